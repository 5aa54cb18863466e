import { EXTERNAL_SYSTEMS, SYSTEM_NAMES } from "../../../src/integrations/systems.ts";
import type { Rule } from "./behaviour.ts";
import type { Received, Totals } from "./received.ts";
import type { StockSums } from "./stock.ts";

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function encode(value: unknown): string {
  return String(value ?? "").replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

function table(head: readonly string[], rows: readonly (readonly unknown[])[], none: string): string {
  if (rows.length === 0) {
    return `<p>${encode(none)}</p>`;
  }
  const cells = (tag: string, row: readonly unknown[]) =>
    row.map((cell) => `<${tag}>${encode(cell)}</${tag}>`).join("");
  return `<table><tr>${cells("th", head)}</tr>${rows.map((row) => `<tr>${cells("td", row)}</tr>`).join("\n")}</table>`;
}

const TITLES = new Intl.ListFormat("en").format(SYSTEM_NAMES.map((name) => EXTERNAL_SYSTEMS[name].title));

/** The page of the stub systems, which reloads itself. */
export function renderPage(
  totals: Record<string, Totals>,
  stock: StockSums,
  rules: readonly Rule[],
  latest: readonly Received[],
): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="refresh" content="2">
<meta name="viewport" content="width=device-width">
<title>Stub systems</title>
<style>
  body { font: 14px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #222; }
  table { border-collapse: collapse; }
  th, td { text-align: left; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid #ddd; vertical-align: top; }
  td { font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
  code { background: #f3f3f3; padding: .1rem .3rem; }
</style>
<h1>Stub systems</h1>
<p>Requests received by the stubs of ${TITLES}. Each idempotency key is executed once.</p>
${table(
  ["path", "keys", "requests", "executed", "duplicates"],
  Object.entries(totals).map(([path, sum]) => [`/${path}`, sum.keys, sum.arrivals, sum.done, sum.repeats]),
  "No requests yet.",
)}
<h2>Stock (pieces)</h2>
${table(
  ["allocated", "= dispatched", "− taken back", "+ released", "+ held"],
  [[stock.allocated, stock.dispatched, stock.takenBack, stock.released, stock.held]],
  "",
)}
<h2>Rules</h2>
${table(
  ["system", "mode", "details"],
  rules.map(({ system, mode, ...rest }) => [system, mode, JSON.stringify(rest)]),
  "None.",
)}
<p>To add a rule: <code>curl -d '{"system":"einvoice","mode":"fail","times":3}' localhost:…/control</code></p>
<h2>Latest requests</h2>
${table(
  ["first request", "path", "idempotency key", "order", "requests", "executed", "last response", "body"],
  latest.map((entry) => [
    entry.firstTime,
    `/${entry.path}`,
    entry.key,
    entry.orderId,
    entry.arrivals,
    entry.doneTime ?? "no",
    entry.status || "none",
    entry.body === undefined ? "" : JSON.stringify(entry.body),
  ]),
  "No requests yet.",
)}
</html>
`;
}
