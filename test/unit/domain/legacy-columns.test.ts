import { describe, expect, it } from "vitest";
import { legacyColumns, legacyColumnsAfter } from "../../../src/domain/legacy-columns.ts";
import { STATES, Status } from "../../../src/domain/state-machine.ts";

describe("legacy columns", () => {
  it("are set by these states only", () => {
    const columns = STATES.map(({ name, code }) => [name, legacyColumns(code)] as const);
    expect(Object.fromEntries(columns.filter(([, { main, status }]) => (main ?? status) !== undefined))).toEqual({
      CREATED: { status: { is_finish: 0 }, main: { is_payed: 0 } },
      PAID: { main: { is_payed: 1 } },
      WMS_DISPATCHED: { status: { is_finish: 1 } },
      WMS_ACCEPTED: { status: { is_finish: 0 } },
      PICKING: { status: { is_finish: 0 } },
      PACKED: { status: { is_finish: 0 } },
      HANDED_OVER: { status: { is_finish: 0 } },
      CANCELLED: { status: { is_finish: 1 }, main: { order_type: 100, modify_date: "now" } },
    });
  });

  it("of an order follow from the states it has reached, the last one wins", () => {
    expect(legacyColumnsAfter([Status.CREATED])).toEqual({ status: { is_finish: 0 }, main: { is_payed: 0 } });
    expect(legacyColumnsAfter([Status.CREATED, Status.PAID, Status.WMS_DISPATCHED, Status.DELIVERED])).toEqual({
      status: { is_finish: 1 },
      main: { is_payed: 1 },
    });
  });

  it("are left alone by unknown states", () => {
    expect(legacyColumns(4444)).toEqual({});
    expect(legacyColumnsAfter([])).toEqual({ status: undefined, main: {} });
  });
});
