import type { Tally } from "./tally.ts";

/** A table for a terminal: text to the left, numbers to the right. */
function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const texts = [
    head,
    ...rows.map((row) => row.map((cell) => (typeof cell === "number" ? cell.toLocaleString("en") : cell))),
  ];
  const widths = head.map((_, column) => Math.max(...texts.map((row) => (row[column] ?? "").length)));
  return texts
    .map((row) =>
      row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join("  "),
    )
    .join("\n");
}

/** What was sent, by way in and code, and by RPC. */
export function formatTally({ codes, rpcs }: Tally): string {
  const names = [...new Set([...codes.values()].flatMap((byCode) => [...byCode.keys()]))];
  const total = (name: string) => [...codes.values()].reduce((sum, byCode) => sum + (byCode.get(name) ?? 0), 0);
  const transports = [...codes.keys()].toSorted();
  const byCode = table(
    ["answer", ...transports, "all"],
    names
      .toSorted((a, b) => total(b) - total(a))
      .map((name) => [name, ...transports.map((transport) => codes.get(transport)?.get(name) ?? 0), total(name)]),
  );
  const byRpc = table(
    ["RPC or old method", "sent", "carried out"],
    [...rpcs].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, { sent, ok }]) => [name, sent, ok]),
  );
  return `${byCode}\n\n${byRpc}`;
}
