import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatMachine, type MachineDescription } from "../tools/testkit/machine.ts";
import type { CallerName } from "./ordinary-callers.ts";
import { exceeded, LIMITS, type Measurement } from "./run.ts";
import { SCENARIOS, type Scenario } from "./scenarios.ts";

const PAGE = join(import.meta.dirname, "../docs/security.md");
const [BEGIN, END] = ["<!-- attacks: written by npm run attack -- --write-docs -->", "<!-- /attacks -->"];

/** Share of the machine used by other processes above which a note is written. */
const MAX_OTHER_LOAD = 0.1;

export const HEADINGS = [
  "attack",
  "port",
  "credentials",
  "MB/s",
  "gRPC p50, ms",
  "Connect p50, ms",
  "failed",
  "MB",
  "held, ms",
  "cores",
  "",
] as const;

export const nameOf = ({ attack, port, credentials }: Scenario): string =>
  `${attack} (${port}${credentials === "none" ? "" : `, ${credentials}`})`;

const medians = ({ before, during }: Measurement, caller: CallerName) =>
  `${before[caller].toFixed(1)} → ${during[caller].toFixed(1)}`;

export function rowOf(measurement: Measurement): readonly string[] {
  const { scenario, megabytesPerSecond, failures, memory, blocked, cores } = measurement;
  return [
    scenario.attack,
    scenario.port,
    scenario.credentials,
    megabytesPerSecond.toFixed(megabytesPerSecond < 1 ? 2 : 1),
    medians(measurement, "gRPC"),
    medians(measurement, "Connect"),
    String(failures.length),
    String(memory),
    String(Math.round(blocked)),
    cores.toFixed(1),
    exceeded(measurement).length > 0 ? "exceeded" : "",
  ];
}

/** A warning if other processes disturbed the measurements. */
export function otherLoadNote(measurements: readonly Measurement[]): string | undefined {
  const load = Math.max(...measurements.map(({ otherLoad }) => otherLoad));
  return load > MAX_OTHER_LOAD
    ? `Other processes used up to ${Math.round(load * 100)} % of the machine during an attack: measure again.`
    : undefined;
}

/** Writes the table into docs/security.md; attacks that were not measured keep their rows. */
export function writeDocs(measurements: readonly Measurement[], machine: MachineDescription, seconds: number): void {
  const text = readFileSync(PAGE, "utf8");
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (from < 0 || to < from) {
    throw new Error(`docs/security.md does not contain ${BEGIN} … ${END}`);
  }
  const intro = formatIntro(measurements, machine, seconds);
  const table = formatTable(mergeRows(text.slice(from, to), measurements.map(rowOf)));
  writeFileSync(PAGE, `${text.slice(0, from + BEGIN.length)}\n\n${intro}\n\n${table}\n\n${text.slice(to)}`);
}

/** The rows of a table with those measured now in their places, in the order of the scenarios. */
export function mergeRows(table: string, rows: readonly (readonly string[])[]): (readonly string[])[] {
  const keyOf = (cells: readonly string[]) => cells.slice(0, 3).join(" | ");
  const former = table
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .map((line) => line.slice(2, -2).split(" | "));
  const byKey = new Map([...former, ...rows].map((cells) => [keyOf(cells), cells]));
  return SCENARIOS.flatMap(({ attack, port, credentials }) => {
    const row = byKey.get(keyOf([attack, port, credentials]));
    return row === undefined ? [] : [row];
  });
}

function formatIntro(measurements: readonly Measurement[], machine: MachineDescription, seconds: number): string {
  const day = new Date().toISOString().slice(0, 10);
  const note = otherLoadNote(measurements);
  const { slowdown, memory, blocked } = LIMITS;
  return wrap(
    `Measured on ${day}, ${seconds} s per attack, on the same machine as attackers, callers and database: ${formatMachine(machine)}.${note === undefined ? "" : ` ${note}`}` +
      ` Limits: p50 at most ${slowdown} times that before the attack, no failed call, ${memory} MB, ${blocked} ms.`,
  );
}

function formatTable(rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const alignments = HEADINGS.map((_, column) => (column < 3 ? "---" : "---:"));
  return [HEADINGS, alignments, ...rows].map(line).join("\n");
}

/** Wraps at 100 columns. */
function wrap(text: string): string {
  return text.replace(/(?![^\n]{1,100}$)([^\n]{1,100})\s/g, "$1\n");
}
