import type { Summary } from "../statistics.ts";
import type { ScenarioReport } from "./report.ts";
import { formatNumber } from "./tables.ts";

const WIDTH = 760;
const LEFT = 190;
const RIGHT = 130;
const TOP = 74;
const ROW = 22;
const BAR = 14;
const HEADING = 28;
const BOTTOM = 44;
const SCALE = WIDTH - LEFT - RIGHT;

/** Colours for light and dark mode. */
const STYLE = `<style>
  text { paint-order: stroke; stroke-width: 3 }
  .page { fill: #ffffff } text { fill: #1f2328; stroke: #ffffff } .pale { fill: #59636e } .grid { stroke: #d1d9e0 } .range { stroke: #1f2328 }
  .first { fill: #0969da } .other { fill: #a8b1ba }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } text { fill: #f0f6fc; stroke: #0d1117 } .pale { fill: #9198a1 } .grid { stroke: #3d444d } .range { stroke: #f0f6fc }
    .first { fill: #4493f8 } .other { fill: #656c76 }
  }
</style>`;

interface Bar {
  readonly label: string;
  readonly summary: Summary;
  readonly isFirst: boolean;
}

/** Bars of one measurement, with a heading when there are several groups. */
interface Group {
  readonly heading: string | undefined;
  readonly bars: readonly Bar[];
}

/** SVG bar chart of a scenario's main measurements; undefined without any. */
export function drawChart(report: ScenarioReport): string | undefined {
  const groups = groupsOf(report);
  if (report.chart === undefined || groups.length === 0) {
    return undefined;
  }
  const { title, unit } = report.chart;
  const maximum = Math.max(...groups.flatMap(({ bars }) => bars.map(({ summary }) => summary.highest)));
  const step = tickStep(maximum);
  const x = (value: number) => LEFT + (value / maximum) * SCALE;
  const parts: string[] = [];
  let y = TOP;
  for (const { heading, bars } of groups) {
    if (heading !== undefined) {
      parts.push(text(16, y + 18, heading, 'font-weight="600"'));
      y += HEADING;
    }
    for (const bar of bars) {
      parts.push(drawBar(bar, y, x));
      y += ROW;
    }
  }
  const ticks = Array.from({ length: Math.floor(maximum / step) + 1 }, (_, index) => index * step);
  const grid = ticks.map(
    (value) =>
      `<line class="grid" x1="${f(x(value))}" y1="${TOP - 4}" x2="${f(x(value))}" y2="${y + 4}"/>` +
      text(x(value), y + 20, value.toLocaleString("en"), 'class="pale" text-anchor="middle"'),
  );
  const height = y + BOTTOM;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="system-ui, sans-serif" font-size="12" role="img" aria-label="${escapeXml(title)}">`,
    STYLE,
    `<rect class="page" width="${WIDTH}" height="${height}"/>`,
    text(16, 28, title, 'font-size="16" font-weight="600"'),
    legend(report),
    ...grid,
    text(WIDTH - 16, y + 20, unit, 'class="pale" text-anchor="end"'),
    ...parts,
    "</svg>\n",
  ].join("\n");
}

/**
 * Labels are subjects with one measurement, and measurements with one subject; otherwise each
 * measurement is a group.
 */
function groupsOf({ chart, subjects, results }: ScenarioReport): readonly Group[] {
  const bars = (name: string, labelOf: (subject: string) => string) =>
    subjects.flatMap((subject, index) => {
      const found = results[subject]?.[name];
      return found === undefined ? [] : [{ label: labelOf(subject), summary: found, isFirst: index === 0 }];
    });
  const groups = (chart?.measurements ?? []).map((name) => ({
    heading: name,
    bars: bars(name, (subject) => (subjects.length === 1 ? name : subject)),
  }));
  const present = groups.filter((group) => group.bars.length > 0);
  return present.length === 1 || subjects.length === 1
    ? present.map((group) => ({ ...group, heading: undefined }))
    : present;
}

function drawBar({ label, summary, isFirst }: Bar, y: number, x: (value: number) => number): string {
  const { median, lowest, highest } = summary;
  const middle = y + ROW / 2;
  const range =
    lowest === highest
      ? ""
      : `<path class="range" fill="none" d="M${f(x(lowest))} ${middle}H${f(x(highest))}M${f(x(lowest))} ${middle - 3}v6M${f(x(highest))} ${middle - 3}v6"/>`;
  return [
    text(LEFT - 8, middle + 4, label, 'text-anchor="end"'),
    `<rect class="${isFirst ? "first" : "other"}" x="${LEFT}" y="${middle - BAR / 2}" width="${f(Math.max(1, x(median) - LEFT))}" height="${BAR}" rx="2"/>`,
    range,
    text(Math.max(x(median), x(highest)) + 8, middle + 4, formatNumber(median), 'font-weight="600"'),
  ].join("");
}

function legend({ subjects, rounds }: ScenarioReport): string {
  const [first = "", ...others] = subjects;
  const entries = [
    ["first", first],
    ...(others.length === 0 ? [] : [["other", others.length === 1 ? (others[0] ?? "") : "compared with"]]),
  ] as [string, string][];
  let at = 16;
  const parts = entries.map(([kind, name]) => {
    const entry = `<rect class="${kind}" x="${f(at)}" y="45" width="11" height="11" rx="2"/>${text(at + 17, 55, name)}`;
    at += 38 + name.length * 6.6;
    return entry;
  });
  const range =
    rounds > 1
      ? `<path class="range" fill="none" d="M${f(at)} 50.5h18m-18 -3v6m18 -6v6"/>${text(at + 24, 55, "range of the rounds", 'class="pale"')}`
      : "";
  return `${parts.join("")}${range}`;
}

/** A round step that gives about six ticks. */
function tickStep(maximum: number): number {
  const power = 10 ** Math.floor(Math.log10(maximum / 6));
  return ([1, 2, 5, 10].find((factor) => factor * power >= maximum / 6) ?? 10) * power;
}

function text(x: number, y: number, content: string, more = ""): string {
  return `<text x="${f(x)}" y="${f(y)}" ${more}>${escapeXml(content)}</text>`;
}

const f = (value: number) => String(Math.round(value * 10) / 10);

const ESCAPES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escapeXml = (content: string) => content.replace(/[&<>"]/g, (character) => ESCAPES[character] as string);
