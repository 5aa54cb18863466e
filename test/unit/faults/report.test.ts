import { expect, test } from "vitest";
import type { Finding } from "../../../faults/findings.ts";
import { formatReport, hasPassed, type RunReport } from "../../../faults/report.ts";
import { mergeChecks } from "../../../faults/totals.ts";

const finding = (text: string): Finding => ({ kind: "lost", text });

const GOOD: RunReport = {
  command: "npm run faults -- --seed 1",
  seeds: [1],
  tookMs: 61_000,
  events: 1_234,
  calls: 5_678,
  kills: 9,
  recovered: 10,
  faults: { kill: { hit: 9, missed: 0 } },
  checks: [{ name: "effects", checked: 11, findings: [] }],
  recovery: [
    { server: "mariadb", before: 300, during: 0, loadSustained: true, recoverySeconds: 0.5, whileDown: undefined },
  ],
  controls: [{ name: "inline", lost: 3 }],
};

test("passes without findings and with all controls detected; the report has each count", () => {
  expect(hasPassed(GOOD)).toBe(true);
  const report = formatReport(GOOD);
  for (const line of [
    "lost 0, duplicated 0, unexpected 0, out of order 0, other 0, recovered 10",
    "1 min 01 s",
    "1,234",
  ]) {
    expect(report).toContain(line);
  }
});

test("fails on a finding, which is printed with its check", () => {
  const found = { ...GOOD, checks: [{ name: "effects", checked: 11, findings: [finding("5-1 has no effect")] }] };
  expect(hasPassed(found)).toBe(false);
  expect(formatReport(found)).toContain("lost: 5-1 has no effect (effects)");
  expect(formatReport(found)).toContain("Failed: lost 1, duplicated 0");
});

test("fails on an undetected control, regardless of findings", () => {
  const undetected = { ...GOOD, controls: [{ name: "inline", lost: 0 }] };
  expect(hasPassed(undetected)).toBe(false);
  expect(formatReport(undetected)).toContain("did not detect the control inline");
});

test("prints the first findings and the number of the others", () => {
  const findings = Array.from({ length: 50 }, (_, index) => finding(`event ${index}`));
  const report = formatReport({ ...GOOD, checks: [{ name: "effects", checked: 50, findings }] });
  expect(report).toContain("event 19 ");
  expect(report).not.toContain("event 20 ");
  expect(report).toContain("and 30 more");
});

test("adds up checks of several rounds by name", () => {
  const one = { name: "effects", checked: 1, findings: [finding("a")] };
  const other = { name: "order", checked: 5, findings: [] };
  expect(
    mergeChecks(mergeChecks([], [one, other]), [{ name: "effects", checked: 2, findings: [finding("b")] }]),
  ).toEqual([{ name: "effects", checked: 3, findings: [finding("a"), finding("b")] }, other]);
});
