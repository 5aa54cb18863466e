import { describe, expect, test } from "vitest";
import type { OrderFacts } from "../../../src/domain/decide.ts";
import { describeWait, nextStates, type OpenWork } from "../../../src/domain/explain.ts";
import { describeStatus, STATES, Status, transitionsFrom } from "../../../src/domain/state-machine.ts";

/** "IN_TRANSIT (5010), … or LOST (6040)". */
const AFTER_HANDOVER = transitionsFrom(Status.HANDED_OVER)
  .map(({ to }) => describeStatus(to))
  .join(", ")
  .replace(/, (?=[^,]+$)/, " or ");

const NOW = new Date("2026-05-01T12:00:00Z");

function order(status: number, more: Partial<OrderFacts> = {}): OrderFacts {
  return { status, version: 3, paused: false, passed: 0, statusTime: null, virtual: false, ...more };
}

describe("nextStates", () => {
  test.each(STATES.map(({ name, code }) => [name, code]))("from %s, each state once", (_name, code) => {
    const { allowed, refused } = nextStates(order(code), NOW);

    const all = [...allowed, ...refused].map(({ status }) => status).toSorted((a, b) => a - b);
    expect(all).toEqual(STATES.map((state) => state.code));
  });

  test("CANCELLED: by a report before allocation, by CancelOrder until PACKED, then not at all", () => {
    const reportedBy = (status: Status) =>
      nextStates(order(status), NOW).allowed.find((next) => next.status === Status.CANCELLED)?.reportedBy;

    expect([Status.CREATED, Status.ERP_ALLOCATED, Status.PACKED, Status.HANDED_OVER].map(reportedBy)).toEqual([
      ["reversal flow"],
      ["reversal flow, by CancelOrder"],
      ["reversal flow, by CancelOrder"],
      undefined,
    ]);
  });

  test("a pause blocks the steps of our own flow and nothing else", () => {
    const names = (facts: OrderFacts) => nextStates(facts, NOW).allowed.map(({ status }) => status);

    expect(names(order(Status.PAID, { paused: true }))).toEqual([Status.CANCELLED]);
    expect(names(order(Status.OUT_FOR_DELIVERY, { paused: true }))).toEqual(names(order(Status.OUT_FOR_DELIVERY)));
  });

  test("virtual goods go from PAID to DELIVERED, others do not", () => {
    const delivered = (virtual: boolean) =>
      nextStates(order(Status.PAID, { virtual }), NOW).allowed.some(({ status }) => status === Status.DELIVERED);

    expect([delivered(true), delivered(false)]).toEqual([true, false]);
  });

  test("each refusal has a reason", () => {
    const { refused } = nextStates(order(Status.DELIVERY_FAILED), NOW);

    expect(refused.filter(({ status }) => [1010, 2010, 6030, 9001].includes(status))).toEqual([
      { status: Status.PAID, reason: "the order has passed that state: a report of it changes nothing" },
      { status: Status.ERP_ALLOCATED, reason: "the order has passed that state: a report of it changes nothing" },
      { status: Status.DELIVERY_FAILED, reason: "the order is in that state: a report of it changes nothing" },
      { status: Status.CANCELLED, reason: "no way leads from DELIVERY_FAILED (6030) to CANCELLED (9001)" },
    ]);
  });

  test("nothing leads out of an unknown status", () => {
    const { allowed, refused } = nextStates(order(4444), NOW);

    expect([allowed, refused.length]).toEqual([[], STATES.length]);
  });
});

describe("describeWait", () => {
  const work = (more: Partial<OpenWork>): OpenWork => ({
    name: "e-invoice",
    state: "PENDING",
    attempts: 0,
    lastError: "",
    ...more,
  });

  test.each<[string, OrderFacts, OpenWork[], string]>([
    ["Pay", order(Status.CREATED), [], "The order is CREATED (1000) and waits for Pay to report PAID (1010)."],
    [
      "the forward flow",
      order(Status.ERP_ALLOCATED),
      [],
      "The order is ERP_ALLOCATED (2010) and waits for forward flow to report WMS_DISPATCHED (2020).",
    ],
    [
      "the road",
      order(Status.OUT_FOR_DELIVERY),
      [],
      "The order is OUT_FOR_DELIVERY (5020) and waits for TMS, DMS or front end to report DELIVERED (6010), REJECTED (6020), DELIVERY_FAILED (6030) or LOST (6040).",
    ],
    [
      "virtual goods",
      order(Status.APPROVED, { virtual: true }),
      [],
      "The order is APPROVED (1020) and waits for forward flow, TMS, DMS or front end to report SPLIT (1030), ERP_ALLOCATED (2010) or DELIVERED (6010).",
    ],
    [
      "a resume",
      order(Status.PAID, { paused: true }),
      [],
      "The order is PAID (1010) and paused, and must be resumed before APPROVED (1020), SPLIT (1030) or ERP_ALLOCATED (2010).",
    ],
    [
      "a payment, paused or not",
      order(Status.CREATED, { paused: true }),
      [],
      "The order is CREATED (1000) and paused, which blocks no report, and waits for Pay to report PAID (1010).",
    ],
    [
      "the road, paused or not",
      order(Status.HANDED_OVER, { paused: true, statusTime: new Date("2030-01-01") }),
      [],
      `The order is HANDED_OVER (4010) and paused, which blocks no report, and waits for TMS, DMS or front end to report ${AFTER_HANDOVER}.`,
    ],
    ["nothing", order(Status.CANCELLED), [], "The order is CANCELLED (9001), which is final, and waits for nothing."],
    [
      "an unknown status",
      order(4444),
      [],
      "The order is in status 4444, which the state machine does not know and an operator has to correct.",
    ],
    [
      "open work",
      order(Status.DELIVERED),
      [
        work({}),
        work({ name: "finance-push", state: "RETRYING", attempts: 1, lastError: "answered 503" }),
        work({ name: "settlement-push", state: "PARKED", attempts: 12 }),
      ],
      "The order is DELIVERED (6010), which is final, and waits for nothing; not done yet: e-invoice (in progress), finance-push (retried after 1 attempt, last error: answered 503), settlement-push (parked after 12 attempts until an operator retries or discards it).",
    ],
  ])("%s", (_name, facts, open, sentence) => {
    expect(describeWait(facts, open, { flow: undefined, wmsAnswer: undefined, pausedWork: [] })).toBe(sentence);
  });

  const deadline = new Date("2026-03-04T06:06:06Z");
  test.each([
    [
      "its cancel",
      order(Status.PICKING, { paused: true }),
      { deadline, isOverdue: false, isTakeBack: false },
      "The order is PICKING (3020) and waits until 2026-03-04T06:06:06.000Z for the WMS to answer whether it can be cancelled.",
    ],
    [
      "its cancel, whose answer was lost",
      order(Status.PICKING, { paused: true }),
      { deadline, isOverdue: true, isTakeBack: false },
      "The order is PICKING (3020) and waits for the WMS to answer whether it can be cancelled; the time limit of 2026-03-04T06:06:06.000Z is over, and the WMS may have carried the cancel out.",
    ],
    [
      "the return of its goods",
      order(Status.CANCELLED),
      { deadline, isOverdue: false, isTakeBack: true },
      "The order is CANCELLED (9001) and waits until 2026-03-04T06:06:06.000Z for the WMS to answer whether it returns the goods.",
    ],
  ])("the WMS's answer to %s", (_name, facts, wmsAnswer, sentence) => {
    expect(describeWait(facts, [], { flow: undefined, wmsAnswer, pausedWork: [] })).toBe(sentence);
  });

  test.each([
    ["ops-1", "", "ops-1"],
    ["ops-1", "ops-1", "ops-1"],
    ["", "li.wei", "li.wei"],
    ["ops-1", "li.wei", "li.wei, given as ops-1"],
  ])("an Action paused by %j, authenticated %j", (operator, authenticatedOperator, shown) => {
    const pausedBy = { operator, authenticatedOperator };
    const pausedWork = [{ name: "e-invoice", pausedBy, reason: "mail provider down" }];
    expect(
      describeWait(order(Status.DELIVERED), [work({})], {
        flow: undefined,
        wmsAnswer: undefined,
        pausedWork,
      }),
    ).toBe(
      `The order is DELIVERED (6010), which is final, and waits for nothing; not done yet: e-invoice (in progress); e-invoice is paused by ${shown}: mail provider down.`,
    );
  });
});
