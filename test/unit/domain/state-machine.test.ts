import { describe, expect, it } from "vitest";
import { OrderStatusSchema } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { passedStatesOf, statesIn, withState } from "../../../src/domain/passed-states.ts";
import {
  describeStatus,
  leadsTo,
  STATES,
  Status,
  stateOf,
  TRANSITIONS,
  transition,
  transitionsFrom,
} from "../../../src/domain/state-machine.ts";

describe("the state machine's table", () => {
  it("has the states of the contract's enum", () => {
    const contract = OrderStatusSchema.values
      .filter(({ number }) => number !== 0)
      .map(({ name, number }) => [name.replace(/^ORDER_STATUS_/, ""), number]);
    expect(STATES.map(({ name, code }) => [name, code])).toEqual(contract);
    expect(Object.entries(Status)).toEqual(contract);
  });

  it("has these codes, labels, reporters and final states", () => {
    const rows = STATES.map(
      ({ code, label, reportedBy, final }) => `${code} ${label} ${reportedBy.join("/")}${final ? " ■" : ""}`,
    );
    expect(rows).toEqual([
      "1000 已创建 intake",
      "1010 已付款 Pay",
      "1020 审核通过 forward flow",
      "1030 已拆单 forward flow ■",
      "2010 ERP占用 forward flow",
      "2020 已下发WMS forward flow",
      "3010 仓库接单 WMS",
      "3020 拣货 WMS",
      "3030 打包 WMS",
      "4010 交接出库 WMS",
      "5010 运输中 TMS",
      "5020 配送中 DMS",
      "6010 妥投 TMS/DMS/front end ■",
      "6020 拒收 TMS/DMS ■",
      "6030 配送失败 TMS/DMS",
      "6040 丢包 TMS ■",
      "9001 取消 reversal flow ■",
    ]);
  });

  it("is in order of progress, and each transition goes forward but those after a failed delivery", () => {
    const codes = STATES.map(({ code }) => code);
    expect(codes, "rows are in the order of their codes, because rules compare codes").toEqual(
      codes.toSorted((a, b) => a - b),
    );
    const back = TRANSITIONS.filter(({ from, to }) => to < from).map(({ from, to }) => [from, to]);
    expect(back, "a state's code is greater than those of the states that lead to it").toEqual([
      [6030, 5020],
      [6030, 6010],
      [6030, 6020],
    ]);
  });

  it("leads to every state, and from every state to an end", () => {
    for (const { code, final } of STATES) {
      expect(code === Status.CREATED || leadsTo(Status.CREATED, code), `the way to ${code}`).toBe(true);
      expect(transitionsFrom(code).length === 0, `${code} is final`).toBe(final);
      expect(final || STATES.some((end) => end.final && leadsTo(code, end.code)), `${code} ends`).toBe(true);
    }
  });

  it("has each transition once, reported by the reporters of its end", () => {
    expect(new Set(TRANSITIONS.map(({ from, to }) => `${from} ${to}`)).size).toBe(TRANSITIONS.length);
    for (const { from, to, reportedBy } of TRANSITIONS) {
      expect(reportedBy).toEqual(stateOf(to)?.reportedBy);
      expect(transition(from, to)).toMatchObject({ from, to });
    }
  });

  it("has conditions on some transitions", () => {
    const conditional = TRANSITIONS.filter(({ condition }) => condition !== undefined);
    expect(conditional.map(({ from, to, condition }) => `${from} → ${to}: ${condition}`)).toEqual([
      "1010 → 6010: virtual goods only",
      "1020 → 6010: virtual goods only",
      "2010 → 9001: CancelOrder only",
      "2020 → 9001: CancelOrder only",
      "3010 → 9001: CancelOrder only",
      "3020 → 9001: CancelOrder only",
      "3030 → 9001: CancelOrder only",
    ]);
  });

  it("does not know other codes", () => {
    expect(stateOf(1234)).toBeUndefined();
    expect(transitionsFrom(1234)).toEqual([]);
    expect(transition(1234, 6010)).toBeUndefined();
    expect(leadsTo(1234, 6010)).toBe(false);
    expect([describeStatus(3020), describeStatus(1234)]).toEqual(["PICKING (3020)", "1234"]);
  });
});

/** The greatest code below another one that no state has. */
function unusedCodeBefore(code: number): number {
  const before = code - 1;
  return stateOf(before) === undefined ? before : unusedCodeBefore(before);
}

describe("passed states", () => {
  it("have a fixed bit for each state: stored rows depend on them", () => {
    expect(STATES.map(({ name, bit }) => `${name} ${bit}`)).toEqual([
      "CREATED 0",
      "PAID 1",
      "APPROVED 2",
      "SPLIT 3",
      "ERP_ALLOCATED 4",
      "WMS_DISPATCHED 5",
      "WMS_ACCEPTED 6",
      "PICKING 7",
      "PACKED 8",
      "HANDED_OVER 9",
      "IN_TRANSIT 10",
      "OUT_FOR_DELIVERY 11",
      "DELIVERED 12",
      "REJECTED 13",
      "DELIVERY_FAILED 14",
      "LOST 15",
      "CANCELLED 16",
    ]);
  });

  it("use each bit once, within a positive INT", () => {
    const bits = STATES.map(({ bit }) => bit);
    expect(new Set(bits).size).toBe(STATES.length);
    expect(Math.max(...bits)).toBeLessThanOrEqual(30);
  });

  it("keep the meaning of stored masks when a state is added in the middle of the table", () => {
    const middle = STATES.findIndex(({ code }) => code === Status.PICKING);
    const added = { code: unusedCodeBefore(Status.PICKING), bit: Math.max(...STATES.map(({ bit }) => bit)) + 1 };
    const extended = passedStatesOf<number>([...STATES.slice(0, middle), added, ...STATES.slice(middle)]);
    for (const { code } of STATES) {
      expect(extended.statesIn(withState(0, code))).toEqual([code]);
    }
    const stored = [Status.PAID, Status.WMS_ACCEPTED, Status.PICKING, Status.CANCELLED].reduce(withState, 0);
    expect(extended.statesIn(stored)).toEqual(statesIn(stored));
    expect(extended.statesIn(extended.withState(stored, added.code))).toEqual([1010, 3010, added.code, 3020, 9001]);
  });

  it("keep each state once, in order of progress", () => {
    const passed = [6010, 1000, 3020, 1000].reduce(withState, 0);
    expect(statesIn(passed)).toEqual([1000, 3020, 6010]);
    expect(withState(passed, 3020)).toBe(passed);
  });

  it("hold all states at once", () => {
    const all = STATES.reduce((passed, { code }) => withState(passed, code), 0);
    expect(statesIn(all)).toEqual(STATES.map(({ code }) => code));
  });

  it("ignore unknown codes", () => {
    expect(withState(0, 1234)).toBe(0);
    expect(statesIn(0)).toEqual([]);
  });
});
