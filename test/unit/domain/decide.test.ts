import { describe, expect, it } from "vitest";
import { advance, type Decision, decide, type OrderFacts, type Report } from "../../../src/domain/decide.ts";
import { withState } from "../../../src/domain/passed-states.ts";
import { STATES, Status } from "../../../src/domain/state-machine.ts";

const noon = new Date("2024-05-01T12:00:00.000Z");
const later = new Date(noon.getTime() + 1);
const earlier = new Date(noon.getTime() - 1);

function order(status: number, facts: Partial<OrderFacts> = {}): OrderFacts {
  return { status, version: 7, paused: false, passed: 0, statusTime: null, virtual: false, ...facts };
}

function report(status: Status, facts: Partial<Report> = {}): Report {
  return { status, by: "report", occurTime: undefined, ...facts };
}

const applied: Decision = { outcome: "applied", version: 8 };
const stale: Decision = { outcome: "stale" };

function refused(message: string): Decision {
  return { outcome: "refused", reason: "ILLEGAL_TRANSITION", message };
}

describe("a report that is applied", () => {
  it("gets the next version", () => {
    expect(decide(order(Status.PICKING), report(Status.PACKED))).toEqual(applied);
  });

  it("may skip states that are not reported", () => {
    expect(decide(order(Status.WMS_DISPATCHED), report(Status.HANDED_OVER))).toEqual(applied);
    expect(decide(order(Status.HANDED_OVER), report(Status.DELIVERED))).toEqual(applied);
    expect(decide(order(Status.PAID), report(Status.ERP_ALLOCATED))).toEqual(applied);
  });

  it("may not skip allocation or dispatch", () => {
    expect(decide(order(Status.PAID), report(Status.WMS_DISPATCHED))).toEqual(
      refused("no way leads from PAID (1010) to WMS_DISPATCHED (2020)"),
    );
    expect(decide(order(Status.ERP_ALLOCATED), report(Status.PICKING))).toEqual(
      refused("no way leads from ERP_ALLOCATED (2010) to PICKING (3020)"),
    );
  });

  it("may skip both for virtual goods", () => {
    const message = "only virtual goods go from PAID (1010) to DELIVERED (6010)";
    expect(decide(order(Status.PAID), report(Status.DELIVERED))).toEqual(refused(message));
    expect(decide(order(Status.PAID, { virtual: true }), report(Status.DELIVERED))).toEqual(applied);
  });

  it.each(STATES.filter(({ final }) => final).map(({ code }) => code))("never leads out of %i", (status) => {
    const decision = decide(order(status), report(status === Status.LOST ? Status.DELIVERED : Status.LOST));
    expect(decision).toMatchObject({
      outcome: "refused",
      reason: "ILLEGAL_TRANSITION",
      message: expect.stringMatching(/ is final$/),
    });
  });

  it("leads nowhere from an unknown status", () => {
    expect(decide(order(1234), report(Status.DELIVERED))).toEqual(
      refused("the order is in status 1234, which the state machine does not know"),
    );
  });
});

describe("a cancel", () => {
  it.each([Status.CREATED, Status.PAID, Status.APPROVED])("at %i is possible by a report", (status) => {
    expect(decide(order(status), report(Status.CANCELLED))).toEqual(applied);
    expect(decide(order(status), report(Status.CANCELLED, { by: "operation" }))).toEqual(applied);
  });

  it.each([
    [Status.ERP_ALLOCATED, "ERP_ALLOCATED (2010)"],
    [Status.WMS_DISPATCHED, "WMS_DISPATCHED (2020)"],
    [Status.WMS_ACCEPTED, "WMS_ACCEPTED (3010)"],
    [Status.PICKING, "PICKING (3020)"],
    [Status.PACKED, "PACKED (3030)"],
  ])("at %i is possible by CancelOrder only", (status, name) => {
    expect(decide(order(status), report(Status.CANCELLED))).toEqual(
      refused(`stock is allocated: from ${name} on only CancelOrder cancels, after the warehouse agreed`),
    );
    expect(decide(order(status), report(Status.CANCELLED, { by: "operation" }))).toEqual(applied);
  });

  it.each([Status.HANDED_OVER, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY, Status.DELIVERY_FAILED, Status.DELIVERED])(
    "at %i is too late for both",
    (status) => {
      for (const by of ["report", "operation"] as const) {
        expect(decide(order(status), report(Status.CANCELLED, { by }))).toMatchObject({ reason: "ILLEGAL_TRANSITION" });
      }
    },
  );
});

describe("a pause", () => {
  it.each([
    [Status.PAID, Status.APPROVED, "APPROVED (1020)"],
    [Status.PAID, Status.SPLIT, "SPLIT (1030)"],
    [Status.APPROVED, Status.ERP_ALLOCATED, "ERP_ALLOCATED (2010)"],
    [Status.ERP_ALLOCATED, Status.WMS_DISPATCHED, "WMS_DISPATCHED (2020)"],
  ])("blocks the forward flow's step from %i to %i", (from, to, name) => {
    expect(decide(order(from, { paused: true }), report(to))).toEqual({
      outcome: "refused",
      reason: "ORDER_PAUSED",
      message: `the order is paused: resume it before ${name}`,
    });
  });

  it.each([
    [Status.CREATED, Status.PAID],
    [Status.WMS_DISPATCHED, Status.WMS_ACCEPTED],
    [Status.PACKED, Status.HANDED_OVER],
    [Status.OUT_FOR_DELIVERY, Status.DELIVERED],
    [Status.APPROVED, Status.CANCELLED],
  ])("does not block a report of another system, %i to %i", (from, to) => {
    expect(decide(order(from, { paused: true }), report(to))).toEqual(applied);
  });

  it("leaves an illegal step illegal and a stale one stale", () => {
    const paused = { paused: true };
    expect(decide(order(Status.CREATED, paused), report(Status.APPROVED))).toMatchObject({
      reason: "ILLEGAL_TRANSITION",
    });
    expect(decide(order(Status.ERP_ALLOCATED, paused), report(Status.APPROVED))).toEqual(stale);
  });
});

describe("a repeated or late report", () => {
  it("of the current state is a duplicate, for any reporter and time", () => {
    expect(decide(order(Status.DELIVERED), report(Status.DELIVERED, { occurTime: later }))).toEqual({
      outcome: "duplicate",
    });
    const cancel = report(Status.CANCELLED, { by: "operation" });
    expect(decide(order(Status.CANCELLED), cancel)).toEqual({ outcome: "duplicate" });
  });

  it.each([
    [Status.PICKING, Status.WMS_ACCEPTED],
    [Status.DELIVERED, Status.IN_TRANSIT],
    [Status.DELIVERED, Status.DELIVERY_FAILED],
    [Status.REJECTED, Status.CREATED],
    [Status.SPLIT, Status.APPROVED],
    [Status.APPROVED, Status.PAID],
  ])("at %i, of %i which was passed or skipped, is stale", (status, late) => {
    expect(decide(order(status), report(late))).toEqual(stale);
  });

  it.each([
    [Status.DELIVERED, Status.REJECTED],
    [Status.REJECTED, Status.DELIVERED],
    [Status.SPLIT, Status.ERP_ALLOCATED],
    [Status.ERP_ALLOCATED, Status.SPLIT],
  ])("at %i, of %i on another branch, is illegal", (status, other) => {
    expect(decide(order(status), report(other))).toMatchObject({ outcome: "refused", reason: "ILLEGAL_TRANSITION" });
  });

  it("of a cancelled order is stale up to the state it was cancelled in", () => {
    const passed = [Status.CREATED, Status.PAID, Status.PICKING, Status.CANCELLED].reduce(withState, 0);
    const cancelled = order(Status.CANCELLED, { passed });
    expect(decide(cancelled, report(Status.WMS_ACCEPTED))).toEqual(stale);
    expect(decide(cancelled, report(Status.PICKING))).toEqual(stale);
    expect(decide(cancelled, report(Status.PACKED))).toEqual(refused("CANCELLED (9001) is final"));
  });
});

describe("the one cycle, after a failed delivery", () => {
  const passed = [Status.HANDED_OVER, Status.OUT_FOR_DELIVERY, Status.DELIVERY_FAILED].reduce(withState, 0);
  const failed = order(Status.DELIVERY_FAILED, { passed, statusTime: noon });
  const retried = order(Status.OUT_FOR_DELIVERY, { passed, statusTime: noon });

  it("is open to later reports and reports without a time", () => {
    expect(decide(failed, report(Status.OUT_FOR_DELIVERY, { occurTime: later }))).toEqual(applied);
    expect(decide(failed, report(Status.OUT_FOR_DELIVERY))).toEqual(applied);
    expect(decide(retried, report(Status.DELIVERY_FAILED, { occurTime: later }))).toEqual(applied);
  });

  it("is closed to reports of the first attempt", () => {
    for (const occurTime of [earlier, noon]) {
      expect(decide(failed, report(Status.OUT_FOR_DELIVERY, { occurTime }))).toEqual(stale);
      expect(decide(retried, report(Status.DELIVERY_FAILED, { occurTime }))).toEqual(stale);
    }
    const skipped = { ...failed, passed: 0 };
    expect(decide(skipped, report(Status.OUT_FOR_DELIVERY, { occurTime: earlier }))).toEqual(stale);
  });

  it("is open where the time of the failure is unknown", () => {
    expect(decide({ ...failed, statusTime: null }, report(Status.OUT_FOR_DELIVERY, { occurTime: earlier }))).toEqual(
      applied,
    );
  });

  it.each([Status.DELIVERED, Status.REJECTED, Status.LOST])(
    "is no limit on the way to %i: any time is accepted",
    (status) => {
      expect(decide(failed, report(status, { occurTime: earlier }))).toEqual(applied);
    },
  );
});

describe("advance", () => {
  it("returns the order after the report", () => {
    const before = order(Status.PAID, { paused: true, virtual: true });
    expect(advance(before, report(Status.DELIVERED, { occurTime: earlier }), noon)).toEqual({
      status: Status.DELIVERED,
      version: 8,
      paused: true,
      virtual: true,
      passed: [Status.PAID, Status.DELIVERED].reduce(withState, 0),
      statusTime: earlier,
    });
  });

  it("uses now without a reported time, and never decreases", () => {
    const time = (statusTime: Date | null, occurTime?: Date) =>
      advance(order(Status.PICKING, { statusTime }), report(Status.PACKED, { occurTime }), noon).statusTime;
    expect([time(null), time(earlier), time(later)]).toEqual([noon, noon, later]);
    expect([time(noon, earlier), time(noon, later)]).toEqual([noon, later]);
  });
});
