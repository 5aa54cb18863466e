import { expect, test } from "vitest";
import { drawTimelineChart, type FaultMark } from "../../../faults/chart.ts";
import { FAULT_CATEGORIES } from "../../../faults/kinds.ts";

const mark = (target: string, from: number, until: number): FaultMark => ({
  target,
  kind: "kill",
  category: "killed",
  from,
  until,
});

const draw = (marks: readonly FaultMark[], loadEnded = 8) =>
  drawTimelineChart({
    title: 'A <round> & "its" faults',
    subtitle: "",
    seconds: Array.from({ length: 10 }, (_, second) => ({ ok: second * 10, failed: second })),
    marks,
    loadEnded,
  });

/** Every tag is closed, and no text has a bare < or &. */
function expectWellFormed(svg: string): void {
  const open: string[] = [];
  for (const [, closing, name, selfClosing] of svg.matchAll(/<(\/?)([a-z]+)(?:\s+[\w-]+="[^"<]*")*\s*(\/?)>/g)) {
    if (closing === "/") {
      expect(open.pop()).toBe(name);
    } else if (selfClosing === "") {
      open.push(name as string);
    }
  }
  expect(open).toEqual([]);
  expect(svg.replace(/<\/?[a-z]+(?:\s+[\w-]+="[^"<]*")*\s*\/?>/g, "")).not.toMatch(/[<>]|&(?!\w+;)/);
}

test("the chart is a well-formed SVG with a legend of all categories", () => {
  const svg = draw([mark("service-1", 1, 2)]);
  expectWellFormed(svg);
  for (const category of FAULT_CATEGORIES) {
    expect(svg).toContain(`>${category}</text>`);
  }
  expect(svg).toContain("A &lt;round&gt; &amp; &quot;its&quot; faults");
});

test("each target has a row: services, backends, links; each fault has a mark with a title", () => {
  const svg = draw([mark("service-1 to nats", 1, 2), mark("nats", 3, 4.5), mark("service-1", 5, 6)]);
  const positions = ["service-1", "nats", "service-1 to nats"].map((target) => svg.indexOf(`>${target}</text>`));
  expect(positions).toEqual(positions.toSorted((a, b) => a - b));
  expect(positions.every((position) => position > 0)).toBe(true);
  expect(svg).toContain("<title>kill, nats: 3.0 s to 4.5 s</title>");
  expect(svg.match(/<title>/g)).toHaveLength(3);
});

test("an instant has a visible mark, and no mark exceeds the chart", () => {
  const svg = draw([mark("nats", 9, 60), mark("nats", 2, 2)]);
  for (const [, x, width] of svg.matchAll(/<rect x="([\d.]+)"[^>]*? width="([\d.]+)"[^>]*rx="2"/g)) {
    expect(Number(width)).toBeGreaterThanOrEqual(4);
    expect(Number(x) + Number(width)).toBeLessThanOrEqual(1_200);
  }
});

test("draws a round without calls", () => {
  expectWellFormed(drawTimelineChart({ title: "", subtitle: "", seconds: [], marks: [], loadEnded: 0 }));
});
