import { expect, test } from "vitest";
import { checkRecovery, type Recovery } from "../../../faults/recovery.ts";

const GOOD: Recovery = {
  server: "redis",
  before: 300,
  during: 280,
  loadSustained: true,
  recoverySeconds: 1,
  whileDown: { committed: 400, actions: { "settlement-push": 70 }, waiting: { "customer-message": 50 } },
};

const judged = (change: Partial<Recovery>) => checkRecovery([{ ...GOOD, ...change }]).findings.map(({ text }) => text);

test("back in time, with all else going on, is well", () => {
  expect(judged({})).toEqual([]);
});

test("back too late, or not at all, is found", () => {
  expect(judged({ recoverySeconds: 5.5 })[0]).toContain("redis: goodput came back to 90 % of 300/s after 5.5 s");
  expect(judged({ recoverySeconds: undefined })).toHaveLength(1);
});

test("nothing committed while the server was down is found", () => {
  expect(judged({ whileDown: { committed: 0, actions: {}, waiting: {} } })).toEqual([
    "redis: nothing was committed while it was down",
  ]);
});

test("an Action that does not need Redis and stood still with work to do is found; one that needs it is not", () => {
  const whileDown = {
    committed: 9,
    actions: { "settlement-push": 0 },
    waiting: { "settlement-push": 20, "customer-message": 20 },
  };
  expect(judged({ whileDown })).toHaveLength(1);
  expect(judged({ whileDown: { ...whileDown, waiting: { "settlement-push": 1 } } })).toEqual([]);
  expect(judged({ server: "nats", whileDown })).toEqual([]);
});

test("what the machine did not carry unbroken is not judged, and not counted", () => {
  expect(checkRecovery([{ ...GOOD, loadSustained: false, recoverySeconds: undefined }])).toMatchObject({
    checked: 0,
    findings: [],
  });
});
