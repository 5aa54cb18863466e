import { describe, expect, it } from "vitest";
import { DEFAULT_ORDER_KINDS } from "../../../src/domain/order-kinds.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import {
  cancelVerdict,
  notPayableReason,
  PAUSE_FAILED,
  PAUSE_SUCCEEDED,
  rejectionVerdict,
  returnVerdict,
  type VerdictFacts,
} from "../../../src/domain/verdicts.ts";

function order(status: number, facts: Partial<VerdictFacts> = {}): VerdictFacts {
  return { status, isParent: false, isFinish: false, ...facts };
}

// The legacy system's texts, which legacy callers compare literally.
describe("PauseForCancel (legacy operation 1)", () => {
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

describe("PauseForRejection (legacy operation 2)", () => {
  it.each([
    ["no such order", undefined, "PAUSE_FAILED", "暂停订单失败"],
    ["the legacy mark is set", order(2020, { isFinish: true }), "FINISHED", "完成状态，不能拒收，只能退货"],
    ["the legacy mark is not set, in any state", order(6010), "REJECTABLE", "订单可以拒收"],
  ])("%s", (_, facts, verdict, message) => {
    expect(rejectionVerdict(facts)).toEqual({ verdict, message });
  });
});

describe("ReturnOrder (legacy operation 3)", () => {
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

describe("SetOrderPause (legacy operation 4)", () => {
  it("has two answers", () => {
    expect([PAUSE_SUCCEEDED, PAUSE_FAILED]).toEqual(["暂停订单成功", "暂停订单失败"]);
  });
});

const now = new Date("2024-05-01T12:00:00.000Z");
const created = (msAgo: number) => new Date(now.getTime() - msAgo);
const HALF_AN_HOUR = 30 * 60 * 1000;

describe("CheckPayable (legacy operation 9)", () => {
  it.each([
    ["just created", 1000, created(0), false, undefined],
    ["created a millisecond less than 30 minutes ago", 1000, created(HALF_AN_HOUR - 1), false, undefined],
    ["created 30 minutes ago", 1000, created(HALF_AN_HOUR), false, "EXPIRED"],
    ["created 30 minutes ago, of source 1025", 1025, created(HALF_AN_HOUR), false, undefined],
    ["created last year, of source 1025", 1025, created(366 * 86_400_000), false, undefined],
    ["created in the future, by another clock", 1000, created(-60_000), false, undefined],
    ["with a cancel request", 1000, created(0), true, "CANCEL_REQUESTED"],
    ["of source 1025 with a cancel request", 1025, created(HALF_AN_HOUR), true, "CANCEL_REQUESTED"],
    ["expired and with a cancel request", 1000, created(HALF_AN_HOUR), true, "EXPIRED"],
  ])("%s", (_, orderSource, createTime, cancelRequested, reason) => {
    expect(notPayableReason(DEFAULT_ORDER_KINDS, { orderSource, createTime, cancelRequested }, now, 1_800_000)).toBe(
      reason,
    );
  });

  it("uses the configured sources", () => {
    const kinds = { ...DEFAULT_ORDER_KINDS, noPaymentTimeoutSources: [7] };
    const order = { createTime: created(HALF_AN_HOUR), cancelRequested: false };
    expect(notPayableReason(kinds, { ...order, orderSource: 7 }, now, 1_800_000)).toBeUndefined();
    expect(notPayableReason(kinds, { ...order, orderSource: 1025 }, now, 1_800_000)).toBe("EXPIRED");
  });
});
