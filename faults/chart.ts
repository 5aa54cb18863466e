import { countFindings, formatCounts } from "./findings.ts";
import { FAULT_CATEGORIES, type FaultCategory, faultKind } from "./kinds.ts";
import { targetName } from "./plan.ts";
import type { Round } from "./round.ts";
import type { Second } from "./timeline.ts";
import { countKills } from "./totals.ts";

/** A fault in the chart; times in seconds since the start. */
export interface FaultMark {
  /** Each target has a row. */
  readonly target: string;
  readonly kind: string;
  readonly category: FaultCategory;
  readonly from: number;
  readonly until: number;
}

export interface TimelineChart {
  readonly title: string;
  readonly subtitle: string;
  readonly seconds: readonly Readonly<Second>[];
  readonly marks: readonly FaultMark[];
  /** End of the load and start of the drain, in seconds. */
  readonly loadEnded: number;
}

const COLOURS: Readonly<Record<FaultCategory, string>> = {
  killed: "#d62728",
  frozen: "#1f77b4",
  connections: "#ff9f1c",
  "answers lost": "#8e44ad",
  "data lost": "#222222",
  "out of connections": "#8c564b",
  clock: "#2ca02c",
};

const WIDTH = 1_200;
const LEFT = 170;
const RIGHT = 20;
const CHART_TOP = 84;
const CHART_HEIGHT = 200;
const ROW = 18;
/** Minimum width of a mark, so that an instant is visible. */
const MIN_WIDTH = 4;
const INK = "#24292f";
const PALE = "#d0d7de";

/** SVG of the throughput per second, with a row of faults per target below. */
export function drawTimelineChart({ title, subtitle, seconds, marks, loadEnded }: TimelineChart): string {
  const span = Math.max(seconds.length, Math.ceil(loadEnded), 1);
  const maximum = roundUp(Math.max(1, ...seconds.map(({ ok, failed }) => ok + failed)));
  const x = (second: number) => LEFT + (Math.min(second, span) * (WIDTH - LEFT - RIGHT)) / span;
  const y = (calls: number) => CHART_TOP + CHART_HEIGHT - (calls * CHART_HEIGHT) / maximum;
  const targets = [...new Set(marks.map(({ target }) => target))].toSorted(byKindOfTarget);
  const rowsTop = CHART_TOP + CHART_HEIGHT + 44;
  const height = rowsTop + targets.length * ROW + 24;

  const area = (calls: (second: Readonly<Second>) => number, colour: string) => {
    const top = seconds.flatMap((second, index) => [
      `${f(x(index))},${f(y(calls(second)))}`,
      `${f(x(index + 1))},${f(y(calls(second)))}`,
    ]);
    return `<polygon points="${f(x(0))},${f(y(0))} ${top.join(" ")} ${f(x(seconds.length))},${f(y(0))}" fill="${colour}"/>`;
  };

  const parts = [
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    text(20, 28, title, { size: 17, weight: 600 }),
    text(20, 47, subtitle, { size: 12 }),
    legend(20, 66),
    ...ticks(maximum, 4).flatMap((value) => [
      line(LEFT, y(value), WIDTH - RIGHT, y(value), PALE),
      text(LEFT - 8, y(value) + 4, value.toLocaleString("en"), { anchor: "end" }),
    ]),
    `<text transform="translate(${LEFT - 62} ${CHART_TOP + CHART_HEIGHT / 2}) rotate(-90)" text-anchor="middle" font-size="12">calls per second</text>`,
    area(({ ok, failed }) => ok + failed, "#f4a6a6"),
    area(({ ok }) => ok, "#7fb99a"),
    `<rect x="${f(x(loadEnded))}" y="${CHART_TOP}" width="${f(x(span) - x(loadEnded))}" height="${height - CHART_TOP - 24}" fill="#0969da" fill-opacity="0.06"/>`,
    ...(span - loadEnded > span / 20
      ? [text(x(loadEnded) + 4, CHART_TOP + 14, "load ended, drain", { size: 11 })]
      : []),
    ...ticks(span, 12).flatMap((value) => [
      line(x(value), CHART_TOP + CHART_HEIGHT, x(value), CHART_TOP + CHART_HEIGHT + 5, INK),
      text(x(value), CHART_TOP + CHART_HEIGHT + 19, `${value} s`, { anchor: "middle" }),
    ]),
    line(LEFT, y(0), WIDTH - RIGHT, y(0), INK),
    ...targets.flatMap((target, index) => [
      text(LEFT - 8, rowsTop + index * ROW + 12, target, { anchor: "end", size: 11 }),
      line(LEFT, rowsTop + (index + 1) * ROW, WIDTH - RIGHT, rowsTop + (index + 1) * ROW, "#eaeef2"),
    ]),
    ...marks.map(({ target, kind, category, from, until }) => {
      const width = Math.max(MIN_WIDTH, x(until) - x(from));
      const top = rowsTop + targets.indexOf(target) * ROW + 3;
      const title = `${kind}, ${target}: ${from.toFixed(1)} s to ${until.toFixed(1)} s`;
      return `<rect x="${f(x(from))}" y="${top}" width="${f(width)}" height="${ROW - 6}" rx="2" fill="${COLOURS[category]}"><title>${escapeXml(title)}</title></rect>`;
    }),
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-category="system-ui, sans-serif" fill="${INK}" role="img" aria-label="${escapeXml(title)}">`,
    ...parts,
    "</svg>\n",
  ].join("\n");
}

function legend(left: number, top: number): string {
  const entries = [
    ...(FAULT_CATEGORIES.map((category) => [COLOURS[category], category]) as [string, string][]),
    ["#7fb99a", "calls answered"] as const,
    ["#f4a6a6", "calls failed"] as const,
  ];
  let at = left;
  return entries
    .map(([colour, name]) => {
      const entry = `<rect x="${f(at)}" y="${top - 9}" width="11" height="11" rx="2" fill="${colour}"/>${text(at + 16, top, name)}`;
      at += 34 + name.length * 6.6;
      return entry;
    })
    .join("");
}

/** Services first, then backends, then links. */
function byKindOfTarget(one: string, other: string): number {
  const rank = (name: string) => (name.includes(" to ") ? 2 : name.startsWith("service") ? 0 : 1);
  return rank(one) - rank(other) || one.localeCompare(other);
}

/** The next of 1, 2, 5, 10, 20, 50 … at or above the value. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value) as number;
}

/** Round values from 0 to `end`, about `count` of them. */
function ticks(end: number, count: number): number[] {
  const step = Math.max(1, roundUp(end / count));
  return Array.from({ length: Math.floor(end / step) + 1 }, (_, index) => index * step);
}

function line(x1: number, y1: number, x2: number, y2: number, colour: string): string {
  return `<line x1="${f(x1)}" y1="${f(y1)}" x2="${f(x2)}" y2="${f(y2)}" stroke="${colour}"/>`;
}

function text(
  x: number,
  y: number,
  content: string,
  {
    anchor = "start",
    size = 12,
    weight = 400,
  }: { anchor?: "start" | "middle" | "end"; size?: number; weight?: number } = {},
): string {
  return `<text x="${f(x)}" y="${f(y)}" font-size="${size}" font-weight="${weight}" text-anchor="${anchor}">${escapeXml(content)}</text>`;
}

const f = (value: number) => String(Math.round(value * 10) / 10);

const ESCAPES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

const escapeXml = (content: string) => content.replace(/[&<>"]/g, (character) => ESCAPES[character] as string);

/** Chart of a round: answered and failed calls, and the faults that hit. */
export function drawRound(round: Round): string {
  const seconds = (at: number) => (at - round.timeline.began) / 1_000;
  const totals = `${round.events.toLocaleString("en")} events, ${countKills(round.injected)} kills`;
  const findings = `${formatCounts(countFindings(round.results))}, recovered ${round.recovered.toLocaleString("en")}`;
  return drawTimelineChart({
    title: `Fault suite, round with seed ${round.seed}`,
    subtitle: `${totals}; ${findings}`,
    seconds: round.timeline.seconds(),
    marks: round.injected
      .filter(({ missed }) => missed === undefined)
      .map(({ fault, from, until }) => ({
        target: targetName(fault.target),
        kind: fault.kind,
        category: faultKind(fault.kind).category,
        from: seconds(from),
        until: seconds(until),
      })),
    loadEnded: seconds(round.loadEnded),
  });
}
