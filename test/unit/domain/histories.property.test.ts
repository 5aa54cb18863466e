import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { advance, type Decision, decide, type OrderFacts, type Report } from "../../../src/domain/decide.ts";
import { STATES, stateOf, TRANSITIONS, transition } from "../../../src/domain/state-machine.ts";
import { answer, MODEL_CODES, type ModelAnswer, type ModelOrder } from "../../../tools/testkit/reference-model.ts";

/** Number of random histories, each of up to 24 steps. Set OMS_TEST_HISTORIES for a longer run. */
const HISTORIES = Number(process.env.OMS_TEST_HISTORIES ?? 20_000);

/** Minutes after the order's creation; a repeat of a report has the same time. */
const minute = (minutes: number) => new Date(Date.UTC(2024, 0, 1) + minutes * 60_000);

const CODES = STATES.map(({ code }) => code);

type Step =
  | { readonly kind: "report"; readonly report: Report }
  | { readonly kind: "repeat"; readonly which: number }
  | { readonly kind: "pause"; readonly paused: boolean };

/** Any state, reported by anything, at any time or none. */
const wildStep: fc.Arbitrary<Step> = fc
  .record({ code: fc.nat(CODES.length - 1), by: fc.nat(5), time: fc.option(fc.nat(40), { nil: undefined, freq: 3 }) })
  .map(({ code, by, time }) => ({
    kind: "report",
    report: {
      status: CODES[code] ?? 1000,
      by: by === 0 ? "operation" : by === 1 ? "step" : "report",
      occurTime: time === undefined ? undefined : minute(time),
    },
  }));

const disturbance: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.nat(30).map((which): Step => ({ kind: "repeat", which })) },
  { weight: 1, arbitrary: fc.boolean().map((paused): Step => ({ kind: "pause", paused })) },
  { weight: 2, arbitrary: wildStep },
);

/** The reports of a whole delivery: some missing, some late, some repeated. */
const delivery: fc.Arbitrary<Step[]> = fc
  .record({
    left: fc.nat(0xffff),
    end: fc.constantFrom(6010, 6020, 6030, 6040, 9001, 1030, 5010),
    retried: fc.boolean(),
    swaps: fc.array(fc.tuple(fc.nat(14), fc.nat(14)), { maxLength: 3 }),
    disturbances: fc.array(fc.tuple(fc.nat(20), disturbance), { maxLength: 8 }),
  })
  .map(({ left, end, retried, swaps, disturbances }) => {
    const reported = CODES.filter((code, index) => {
      const ownStep = [1010, 2010, 2020].includes(code);
      return code > 1000 && code !== 1030 && code < 6010 && code < end && (ownStep || (left & (1 << index)) !== 0);
    });
    reported.push(...(retried ? ([6030, 5020] as const) : []), ...CODES.filter((code) => code === end));
    for (const [a, b] of swaps) {
      const [x, y] = [reported[a], reported[b]];
      if (x !== undefined && y !== undefined) {
        reported[a] = y;
        reported[b] = x;
      }
    }
    const steps = reported.map(
      (status, index): Step => ({
        kind: "report",
        report: {
          status,
          by: status === 9001 && left % 2 === 0 ? "operation" : "report",
          occurTime: left % 5 === 0 ? undefined : minute(index),
        },
      }),
    );
    for (const [at, step] of disturbances) {
      steps.splice(at, 0, step);
    }
    return steps;
  });

const history = fc.record({
  virtual: fc.nat(3).map((n) => n === 0),
  /** The state of the inserted row: CREATED mostly, otherwise any, or an unknown one. */
  start: fc.oneof(
    { weight: 12, arbitrary: fc.constant(1000) },
    { weight: 1, arbitrary: fc.constantFrom(...CODES, 1234) },
  ),
  steps: fc.oneof({ weight: 2, arbitrary: delivery }, { weight: 1, arbitrary: fc.array(wildStep, { maxLength: 24 }) }),
});

function modelAnswer(decision: Decision): ModelAnswer {
  if (decision.outcome === "refused") {
    return decision.reason === "ORDER_PAUSED" ? "paused" : "illegal";
  }
  return decision.outcome;
}

/**
 * Runs one history against the rules and the model, checks every step and reports what occurred.
 */
function run(given: { virtual: boolean; start: number; steps: readonly Step[] }, seen: (what: string) => void): number {
  const { virtual, start, steps } = given;
  let order: OrderFacts = { status: start, version: 0, paused: false, passed: 0, statusTime: null, virtual };
  const model: ModelOrder = { status: start, version: 0, paused: false, virtual, visited: [], latest: null };
  const sent: { report: Report; accepted: boolean }[] = [];
  let decisions = 0;
  for (const [index, step] of steps.entries()) {
    if (step.kind === "pause") {
      order = { ...order, paused: step.paused };
      model.paused = step.paused;
      continue;
    }
    const earlier = step.kind === "repeat" ? sent[step.which % Math.max(sent.length, 1)] : undefined;
    const report = step.kind === "report" ? step.report : earlier?.report;
    if (report === undefined) {
      continue;
    }
    const now = minute(index);
    const before = order;
    const decision = decide(order, report);
    decisions += 1;
    const expected = answer(model, { ...report, occurTime: report.occurTime?.getTime() }, now.getTime());
    if (modelAnswer(decision) !== expected) {
      expect.fail(`${before.status} → ${report.status}: ${JSON.stringify(decision)}, expected ${expected}`);
    }
    if (decision.outcome === "applied") {
      order = advance(order, report, now);
      const found = transition(before.status, order.status);
      const legal =
        found !== undefined &&
        !stateOf(before.status)?.final &&
        (found.condition !== "virtual goods only" || virtual) &&
        (found.condition !== "CancelOrder only" || report.by === "operation");
      if (!legal || decision.version !== before.version + 1 || order.version !== decision.version) {
        expect.fail(`illegal transition ${before.status} → ${order.status}, version ${decision.version}`);
      }
      if (earlier?.accepted && report.occurTime !== undefined) {
        expect.fail(`the repeat of ${report.status} changed the order in ${before.status}`);
      }
      seen(`${before.status} → ${order.status}`);
    }
    if (
      order.status !== model.status ||
      order.version !== model.version ||
      order.statusTime?.getTime() !== (model.latest ?? undefined)
    ) {
      expect.fail(`${JSON.stringify(order)}, expected ${JSON.stringify(model)}`);
    }
    seen(modelAnswer(decision));
    sent.push({ report, accepted: ["applied", "stale"].includes(decision.outcome) });
  }
  return decisions;
}

describe("random histories", () => {
  it("have states that the reference model knows", () => {
    const unknown = STATES.filter(({ code }) => !MODEL_CODES.includes(code)).map(({ name }) => name);
    expect(unknown, "add the state to tools/testkit/reference-model.ts, a second description of the rules").toEqual([]);
  });

  it(`agree with the reference model (${HISTORIES.toLocaleString("en")} runs) and use every transition`, () => {
    const counts = new Map<string, number>();
    const seen = (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1);
    let decisions = 0;
    fc.assert(
      fc.property(history, (given) => {
        decisions += run(given, seen);
      }),
      { numRuns: HISTORIES },
    );
    const transitions = TRANSITIONS.map(({ from, to }) => `${from} → ${to}`);
    expect(new Set(counts.keys())).toEqual(
      new Set(["applied", "duplicate", "stale", "paused", "illegal", ...transitions]),
    );
    expect(decisions).toBeGreaterThan(5 * HISTORIES);
  }, 120_000);
});
