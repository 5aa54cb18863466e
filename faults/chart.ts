import { FAULT_CATEGORIES, type FaultCategory } from "./kinds.ts";
import type { Second } from "./timeline.ts";

/** A fault as it is drawn; times in seconds from the picture's left edge. */
export interface FaultMark {
  /** What it hit: each target has a line of its own. */
  readonly target: string;
  readonly kind: string;
  readonly category: FaultCategory;
  readonly from: number;
  readonly until: number;
}

export interface TimelineChart {
  readonly title: string;
  /** The line below it. */
  readonly subtitle: string;
  readonly seconds: readonly Readonly<Second>[];
  readonly marks: readonly FaultMark[];
  /** When the load ended; what follows is the drain. */
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
const LANE = 18;
/** Of a mark; what lasts no time is still to be seen. */
const LEAST_WIDTH = 4;
const INK = "#24292f";
const PALE = "#d0d7de";

/** Throughput second by second, and below it what was broken when, as an SVG that explains itself. */
export function drawTimelineChart({ title, subtitle, seconds, marks, loadEnded }: TimelineChart): string {
  const span = Math.max(seconds.length, Math.ceil(loadEnded), 1);
  const most = niceAbove(Math.max(1, ...seconds.map(({ ok, failed }) => ok + failed)));
  const x = (second: number) => LEFT + (Math.min(second, span) * (WIDTH - LEFT - RIGHT)) / span;
  const y = (calls: number) => CHART_TOP + CHART_HEIGHT - (calls * CHART_HEIGHT) / most;
  const targets = [...new Set(marks.map(({ target }) => target))].toSorted(byKindOfTarget);
  const lanesTop = CHART_TOP + CHART_HEIGHT + 44;
  const height = lanesTop + targets.length * LANE + 24;

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
    ...ticks(most, 4).flatMap((value) => [
      line(LEFT, y(value), WIDTH - RIGHT, y(value), PALE),
      text(LEFT - 8, y(value) + 4, value.toLocaleString("en"), { anchor: "end" }),
    ]),
    `<text transform="translate(${LEFT - 62} ${CHART_TOP + CHART_HEIGHT / 2}) rotate(-90)" text-anchor="middle" font-size="12">calls a second</text>`,
    area(({ ok, failed }) => ok + failed, "#f4a6a6"),
    area(({ ok }) => ok, "#7fb99a"),
    `<rect x="${f(x(loadEnded))}" y="${CHART_TOP}" width="${f(x(span) - x(loadEnded))}" height="${height - CHART_TOP - 24}" fill="#0969da" fill-opacity="0.06"/>`,
    ...(span - loadEnded > span / 20 ? [text(x(loadEnded) + 4, CHART_TOP + 14, "load over, drain", { size: 11 })] : []),
    ...ticks(span, 12).flatMap((value) => [
      line(x(value), CHART_TOP + CHART_HEIGHT, x(value), CHART_TOP + CHART_HEIGHT + 5, INK),
      text(x(value), CHART_TOP + CHART_HEIGHT + 19, `${value} s`, { anchor: "middle" }),
    ]),
    line(LEFT, y(0), WIDTH - RIGHT, y(0), INK),
    ...targets.flatMap((target, index) => [
      text(LEFT - 8, lanesTop + index * LANE + 12, target, { anchor: "end", size: 11 }),
      line(LEFT, lanesTop + (index + 1) * LANE, WIDTH - RIGHT, lanesTop + (index + 1) * LANE, "#eaeef2"),
    ]),
    ...marks.map(({ target, kind, category, from, until }) => {
      const width = Math.max(LEAST_WIDTH, x(until) - x(from));
      const top = lanesTop + targets.indexOf(target) * LANE + 3;
      const title = `${kind}, ${target}: ${from.toFixed(1)} s to ${until.toFixed(1)} s`;
      return `<rect x="${f(x(from))}" y="${top}" width="${f(width)}" height="${LANE - 6}" rx="2" fill="${COLOURS[category]}"><title>${inXml(title)}</title></rect>`;
    }),
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-category="system-ui, sans-serif" fill="${INK}" role="img" aria-label="${inXml(title)}">`,
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

/** Services first, then servers, then the ways between them. */
function byKindOfTarget(one: string, other: string): number {
  const rank = (name: string) => (name.includes(" to ") ? 2 : name.startsWith("service") ? 0 : 1);
  return rank(one) - rank(other) || one.localeCompare(other);
}

/** The next of 1, 2, 5, 10, 20, 50 … */
function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value) as number;
}

/** Round values from 0 up to the end, about so many. */
function ticks(end: number, about: number): number[] {
  const step = Math.max(1, niceAbove(end / about));
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
  return `<text x="${f(x)}" y="${f(y)}" font-size="${size}" font-weight="${weight}" text-anchor="${anchor}">${inXml(content)}</text>`;
}

const f = (value: number) => String(Math.round(value * 10) / 10);

const ESCAPES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

const inXml = (content: string) => content.replace(/[&<>"]/g, (character) => ESCAPES[character] as string);
