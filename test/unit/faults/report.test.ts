import { expect, test } from "vitest";
import { formatReport, hasPassed, mergeChecks, type RunSummary } from "../../../faults/report.ts";
import type { Finding } from "../../../faults/types.ts";

const finding = (text: string): Finding => ({ kind: "lost", text });

const GOOD: RunSummary = {
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
  controls: [{ name: "old way", lost: 3 }],
};

test("nothing found and all controls caught is good, and the report says each count by its name", () => {
  expect(hasPassed(GOOD)).toBe(true);
  const report = formatReport(GOOD);
  for (const line of ["lost 0, duplicated 0, ghost 0, out of order 0, other 0, recovered 10", "1 min 01 s", "1,234"]) {
    expect(report).toContain(line);
  }
});

test("a finding is not good, and is told with its checker", () => {
  const found = { ...GOOD, checks: [{ name: "effects", checked: 11, findings: [finding("5-1 never came")] }] };
  expect(hasPassed(found)).toBe(false);
  expect(formatReport(found)).toContain("lost: 5-1 never came (effects)");
  expect(formatReport(found)).toContain("Found: lost 1, duplicated 0");
});

test("a control that is not caught is not good, whatever else was found", () => {
  const uncaught = { ...GOOD, controls: [{ name: "old way", lost: 0 }] };
  expect(hasPassed(uncaught)).toBe(false);
  expect(formatReport(uncaught)).toContain("did not catch old way");
});

test("of many findings some are told, and how many more there are", () => {
  const findings = Array.from({ length: 50 }, (_, index) => finding(`event ${index}`));
  const report = formatReport({ ...GOOD, checks: [{ name: "effects", checked: 50, findings }] });
  expect(report).toContain("event 19 ");
  expect(report).not.toContain("event 20 ");
  expect(report).toContain("and 30 more");
});

test("what checkers of several rounds checked at is summed up by their names", () => {
  const one = { name: "effects", checked: 1, findings: [finding("a")] };
  const other = { name: "order", checked: 5, findings: [] };
  expect(
    mergeChecks(mergeChecks([], [one, other]), [{ name: "effects", checked: 2, findings: [finding("b")] }]),
  ).toEqual([{ name: "effects", checked: 3, findings: [finding("a"), finding("b")] }, other]);
});
