import type { Summary } from "../measurements.ts";
import { formatNumber } from "./numbers.ts";
import type { ScenarioReport } from "./report.ts";

const WIDTH = 760;
const LEFT = 190;
const RIGHT = 130;
const TOP = 74;
const ROW = 22;
const BAR = 14;
const HEADING = 28;
const BOTTOM = 44;
const SCALE = WIDTH - LEFT - RIGHT;

/** Readable on a light page and on a dark one, as the reader's system has it. */
const STYLE = `<style>
  text { paint-order: stroke; stroke-width: 3 }
  .page { fill: #ffffff } text { fill: #1f2328; stroke: #ffffff } .pale { fill: #59636e } .grid { stroke: #d1d9e0 } .spread { stroke: #1f2328 }
  .first { fill: #0969da } .other { fill: #a8b1ba }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } text { fill: #f0f6fc; stroke: #0d1117 } .pale { fill: #9198a1 } .grid { stroke: #3d444d } .spread { stroke: #f0f6fc }
    .first { fill: #4493f8 } .other { fill: #656c76 }
  }
</style>`;

interface Bar {
  readonly label: string;
  readonly figure: Summary;
  readonly isFirst: boolean;
}

/** Bars that belong together, below a heading where there are several groups. */
interface Group {
  readonly heading: string | undefined;
  readonly bars: readonly Bar[];
}

/** A scenario's main figures as an SVG of bars from one zero, with the medians in figures; undefined where it has none. */
export function drawChart(report: ScenarioReport): string | undefined {
  const groups = groupsOf(report);
  if (report.chart === undefined || groups.length === 0) {
    return undefined;
  }
  const { title, unit } = report.chart;
  const most = Math.max(...groups.flatMap(({ bars }) => bars.map(({ figure }) => figure.highest)));
  const step = tickStep(most);
  const x = (value: number) => LEFT + (value / most) * SCALE;
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
  const ticks = Array.from({ length: Math.floor(most / step) + 1 }, (_, index) => index * step);
  const grid = ticks.map(
    (value) =>
      `<line class="grid" x1="${f(x(value))}" y1="${TOP - 4}" x2="${f(x(value))}" y2="${y + 4}"/>` +
      text(x(value), y + 20, value.toLocaleString("en"), 'class="pale" text-anchor="middle"'),
  );
  const height = y + BOTTOM;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="system-ui, sans-serif" font-size="12" role="img" aria-label="${inXml(title)}">`,
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

/** With one figure the bars bear the subjects' names, with one subject the figures'; else each figure is a group. */
function groupsOf({ chart, subjects, results }: ScenarioReport): readonly Group[] {
  const bars = (figure: string, labelOf: (subject: string) => string) =>
    subjects.flatMap((subject, index) => {
      const found = results[subject]?.[figure];
      return found === undefined ? [] : [{ label: labelOf(subject), figure: found, isFirst: index === 0 }];
    });
  const groups = (chart?.figures ?? []).map((figure) => ({
    heading: figure,
    bars: bars(figure, (subject) => (subjects.length === 1 ? figure : subject)),
  }));
  const present = groups.filter((group) => group.bars.length > 0);
  return present.length === 1 || subjects.length === 1
    ? present.map((group) => ({ ...group, heading: undefined }))
    : present;
}

function drawBar({ label, figure, isFirst }: Bar, y: number, x: (value: number) => number): string {
  const { median, lowest, highest } = figure;
  const middle = y + ROW / 2;
  const spread =
    lowest === highest
      ? ""
      : `<path class="spread" fill="none" d="M${f(x(lowest))} ${middle}H${f(x(highest))}M${f(x(lowest))} ${middle - 3}v6M${f(x(highest))} ${middle - 3}v6"/>`;
  return [
    text(LEFT - 8, middle + 4, label, 'text-anchor="end"'),
    `<rect class="${isFirst ? "first" : "other"}" x="${LEFT}" y="${middle - BAR / 2}" width="${f(Math.max(1, x(median) - LEFT))}" height="${BAR}" rx="2"/>`,
    spread,
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
  const spread =
    rounds > 1
      ? `<path class="spread" fill="none" d="M${f(at)} 50.5h18m-18 -3v6m18 -6v6"/>${text(at + 24, 55, "lowest to highest round", 'class="pale"')}`
      : "";
  return `${parts.join("")}${spread}`;
}

/** A round step between the axis's figures, description six of them. */
function tickStep(most: number): number {
  const power = 10 ** Math.floor(Math.log10(most / 6));
  return ([1, 2, 5, 10].find((factor) => factor * power >= most / 6) ?? 10) * power;
}

function text(x: number, y: number, content: string, more = ""): string {
  return `<text x="${f(x)}" y="${f(y)}" ${more}>${inXml(content)}</text>`;
}

const f = (value: number) => String(Math.round(value * 10) / 10);

const ESCAPES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const inXml = (content: string) => content.replace(/[&<>"]/g, (character) => ESCAPES[character] as string);
