import { expect, test } from "vitest";
import { checkRecovery, type Recovery } from "../../../faults/recovery.ts";

const GOOD: Recovery = {
  server: "redis",
  before: 300,
  during: 280,
  loadSustained: true,
  recoverySeconds: 1,
  whileDown: { committed: 400, actions: { "settlement-push": 70 }, overdue: { "customer-message": 50 } },
};

const evaluated = (change: Partial<Recovery>) =>
  checkRecovery([{ ...GOOD, ...change }]).findings.map(({ text }) => text);

test("accepts a recovery in time with work continuing", () => {
  expect(evaluated({})).toEqual([]);
});

test("finds a late or missing recovery", () => {
  expect(evaluated({ recoverySeconds: 5.5 })[0]).toContain("redis: goodput was back at 90 % of 300/s after 5.5 s");
  expect(evaluated({ recoverySeconds: undefined })).toHaveLength(1);
});

test("finds that nothing was committed while a backend was down", () => {
  expect(evaluated({ whileDown: { committed: 0, actions: {}, overdue: {} } })).toEqual([
    "redis: nothing was committed while it was down",
  ]);
});

test("finds a stalled Action that does not need Redis", () => {
  const whileDown = {
    committed: 9,
    actions: { "settlement-push": 0 },
    overdue: { "settlement-push": 20, "customer-message": 20 },
  };
  expect(evaluated({ whileDown })).toHaveLength(1);
  expect(evaluated({ whileDown: { ...whileDown, overdue: { "settlement-push": 1 } } })).toEqual([]);
  expect(evaluated({ server: "nats", whileDown })).toEqual([]);
});

test("does not evaluate a load that the machine did not sustain", () => {
  expect(checkRecovery([{ ...GOOD, loadSustained: false, recoverySeconds: undefined }])).toMatchObject({
    checked: 0,
    findings: [],
  });
});
