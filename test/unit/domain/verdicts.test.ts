import { describe, expect, it } from "vitest";
import { Status } from "../../../src/domain/state-machine.ts";
import {
  cancelVerdict,
  PAUSE_FAILED,
  PAUSE_SUCCEEDED,
  rejectionVerdict,
  returnVerdict,
  type VerdictFacts,
} from "../../../src/domain/verdicts.ts";

function order(status: number, facts: Partial<VerdictFacts> = {}): VerdictFacts {
  return { status, isParent: false, isFinish: false, ...facts };
}

// The texts are the old system's: callers of the old addresses compare them letter by letter.
describe("PauseForCancel (old operation 1)", () => {
  it.each([
    ["no such order", undefined, "PAUSE_FAILED", "暂停订单失败"],
    ["a parent", order(1010, { isParent: true }), "SPLIT_PARENT", "不能取消"],
    ["a cancelled parent", order(9001, { isParent: true }), "SPLIT_PARENT", "不能取消"],
    ["a split order", order(1030), "SPLIT_PARENT", "不能取消"],
    ["a new order", order(1000), "BEFORE_ERP_ALLOCATION", "占用erp前可取消"],
    ["an approved order", order(1020), "BEFORE_ERP_ALLOCATION", "占用erp前可取消"],
    ["a code of another system below 2010", order(2009), "BEFORE_ERP_ALLOCATION", "占用erp前可取消"],
    ["a cancelled order", order(9001), "ALREADY_CANCELLED", "已经是取消状态可以取消"],
    [
      "an allocated order",
      order(2010),
      "ASK_WMS",
      "订单已经过了erp占用节点，已经或即将下发WMS，需要询问WMS是否可以取消",
    ],
    [
      "a delivered order",
      order(6010),
      "ASK_WMS",
      "订单已经过了erp占用节点，已经或即将下发WMS，需要询问WMS是否可以取消",
    ],
  ])("%s", (_, facts, verdict, message) => {
    expect(cancelVerdict(facts)).toEqual({ verdict, message });
  });
});

describe("PauseForRejection (old operation 2)", () => {
  it.each([
    ["no such order", undefined, "PAUSE_FAILED", "暂停订单失败"],
    ["the old mark is set", order(2020, { isFinish: true }), "FINISHED", "完成状态，不能拒收，只能退货"],
    ["the old mark is not set, whatever the state", order(6010), "REJECTABLE", "订单可以拒收"],
  ])("%s", (_, facts, verdict, message) => {
    expect(rejectionVerdict(facts)).toEqual({ verdict, message });
  });
});

describe("ReturnOrder (old operation 3)", () => {
  it.each([
    ["cancelled", Status.CANCELLED, "CANCELLED", "订单已经取消"],
    ["new", Status.CREATED, "NOT_HANDED_OVER", "订单未交接出库不允许取消"],
    ["packed", Status.PACKED, "NOT_HANDED_OVER", "订单未交接出库不允许取消"],
    ["handed over", Status.HANDED_OVER, "MARKED", "更新退货标识成功"],
    ["lost", Status.LOST, "MARKED", "更新退货标识成功"],
  ])("%s", (_, status, verdict, message) => {
    expect(returnVerdict(order(status))).toEqual({ verdict, message });
  });
});

describe("SetOrderPause (old operation 4)", () => {
  it("has two answers", () => {
    expect([PAUSE_SUCCEEDED, PAUSE_FAILED]).toEqual(["暂停订单成功", "暂停订单失败"]);
  });
});
