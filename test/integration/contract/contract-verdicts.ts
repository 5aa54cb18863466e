import { describe, expect, test } from "vitest";
import { CancelVerdict, RejectionVerdict, ReturnVerdict } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { failure, plain } from "../../support/failures.ts";
import { eventsOf, insertOrder, nextOrderId, stateOf } from "../../support/orders.ts";
import type { LegacyContractApi } from "./api.ts";

const operator = "zhang";

/** Legacy operations 1 to 4. */
export function verdictTests(api: LegacyContractApi): void {
  describe("PauseForCancel", () => {
    const ASK = "订单已经过了erp占用节点，已经或即将下发WMS，需要询问WMS是否可以取消";
    test.each([
      ["CREATED", Status.CREATED, 0, CancelVerdict.BEFORE_ERP_ALLOCATION, "占用erp前可取消"],
      ["PAID", Status.PAID, 0, CancelVerdict.BEFORE_ERP_ALLOCATION, "占用erp前可取消"],
      ["APPROVED", Status.APPROVED, 0, CancelVerdict.BEFORE_ERP_ALLOCATION, "占用erp前可取消"],
      ["SPLIT", Status.SPLIT, 0, CancelVerdict.SPLIT_PARENT, "不能取消"],
      ["a parent", Status.PAID, 1, CancelVerdict.SPLIT_PARENT, "不能取消"],
      ["a cancelled parent", Status.CANCELLED, 1, CancelVerdict.SPLIT_PARENT, "不能取消"],
      ["ERP_ALLOCATED", Status.ERP_ALLOCATED, 0, CancelVerdict.ASK_WMS, ASK],
      ["PICKING", Status.PICKING, 0, CancelVerdict.ASK_WMS, ASK],
      ["DELIVERED", Status.DELIVERED, 0, CancelVerdict.ASK_WMS, ASK],
      ["CANCELLED", Status.CANCELLED, 0, CancelVerdict.ALREADY_CANCELLED, "已经是取消状态可以取消"],
    ])("%s: pauses the order, and returns the verdict", async (_name, status, is_parent, verdict, message) => {
      const orderId = await insertOrder(api.db, status, { main: { is_parent } });

      const response = await api.client.pauseForCancel({ orderId, operator });

      expect(plain(response)).toEqual(api.covered("pauseForCancel", { verdict, message, orderStatus: status }));
      expect((await stateOf(api.db, orderId)).is_pause).toBe(1);
      expect(await eventsOf(api.db, orderId)).toEqual([`oms.v1.order.pause.set ${orderId}-pause-*`]);
    });

    test("an unknown order is a verdict", async () => {
      const response = await api.client.pauseForCancel({ orderId: nextOrderId(), operator });

      expect(plain(response)).toEqual(
        api.covered("pauseForCancel", { verdict: CancelVerdict.PAUSE_FAILED, message: "暂停订单失败", orderStatus: 0 }),
      );
    });

    test("a repeated call returns the same without an event", async () => {
      const orderId = await insertOrder(api.db, Status.PAID);
      const first = await api.client.pauseForCancel({ orderId, operator });

      expect(plain(await api.client.pauseForCancel({ orderId, operator }))).toEqual(plain(first));
      expect(await eventsOf(api.db, orderId)).toHaveLength(1);
    });
  });

  describe("PauseForRejection", () => {
    test.each([
      [1, RejectionVerdict.FINISHED, "完成状态，不能拒收，只能退货"],
      [0, RejectionVerdict.REJECTABLE, "订单可以拒收"],
      [null, RejectionVerdict.REJECTABLE, "订单可以拒收"],
    ])("is_finish %s", async (is_finish, verdict, message) => {
      const orderId = await insertOrder(api.db, Status.IN_TRANSIT, { state: { is_finish } });

      const response = await api.client.pauseForRejection({ orderId, operator });

      expect(plain(response)).toEqual({ verdict, message });
      expect((await stateOf(api.db, orderId)).is_pause).toBe(1);
      expect(await eventsOf(api.db, orderId)).toEqual([`oms.v1.order.pause.set ${orderId}-pause-*`]);
    });

    test("an unknown order is a verdict", async () => {
      const response = await api.client.pauseForRejection({ orderId: nextOrderId(), operator });

      expect(plain(response)).toEqual({ verdict: RejectionVerdict.PAUSE_FAILED, message: "暂停订单失败" });
    });
  });

  describe("ReturnOrder", () => {
    test.each([
      ["CANCELLED", Status.CANCELLED, ReturnVerdict.CANCELLED, "订单已经取消"],
      ["PACKED", Status.PACKED, ReturnVerdict.NOT_HANDED_OVER, "订单未交接出库不允许取消"],
      ["CREATED", Status.CREATED, ReturnVerdict.NOT_HANDED_OVER, "订单未交接出库不允许取消"],
    ])("%s: not marked", async (_name, status, verdict, message) => {
      const orderId = await insertOrder(api.db, status, { main: { is_refund: 0 } });

      expect(plain(await api.client.returnOrder({ orderId, operator }))).toEqual({ verdict, message });
      expect((await stateOf(api.db, orderId)).is_refund).toBe(0);
      expect(await eventsOf(api.db, orderId)).toEqual([]);
    });

    test.each([
      ["HANDED_OVER, not marked yet", Status.HANDED_OVER, null],
      ["DELIVERED, is_refund is 0", Status.DELIVERED, 0],
    ])("%s: marked once, same response twice", async (_name, status, is_refund) => {
      const orderId = await insertOrder(api.db, status, { main: { is_refund } });
      const marked = { verdict: ReturnVerdict.MARKED, message: "更新退货标识成功" };

      expect(plain(await api.client.returnOrder({ orderId, operator }))).toEqual(marked);
      expect(plain(await api.client.returnOrder({ orderId, operator }))).toEqual(marked);

      expect((await stateOf(api.db, orderId)).is_refund).toBe(1);
      expect(await eventsOf(api.db, orderId)).toEqual([`oms.v1.return.done ${orderId}-return-*`]);
    });

    test("an unknown order is NOT_FOUND", async () => {
      const orderId = nextOrderId();

      expect(await failure(api.client.returnOrder({ orderId, operator }))).toEqual(
        api.failure({ code: "NotFound", message: `there is no order ${orderId}`, details: {} }),
      );
    });
  });

  describe("SetOrderPause", () => {
    test("sets and clears the pause, and returns whether it changed", async () => {
      const orderId = await insertOrder(api.db, Status.PAID);
      const set = (paused: boolean) => api.client.setOrderPause({ orderId, paused, reason: "stock", operator });
      const done = (changed: boolean) =>
        api.covered("setOrderPause", { success: true, changed, message: "暂停订单成功" });

      expect(plain(await set(true))).toEqual(done(true));
      expect(plain(await set(true))).toEqual(done(false));
      expect((await stateOf(api.db, orderId)).is_pause).toBe(1);
      expect(plain(await set(false))).toEqual(done(true));
      expect((await stateOf(api.db, orderId)).is_pause).toBe(0);
      expect(await eventsOf(api.db, orderId)).toEqual([
        `oms.v1.order.pause.set ${orderId}-pause-*`,
        `oms.v1.order.pause.cleared ${orderId}-pause-*`,
      ]);
    });

    test("an unknown order returns success false", async () => {
      const response = await api.client.setOrderPause({ orderId: nextOrderId(), paused: true, operator });

      expect(plain(response)).toEqual(
        api.covered("setOrderPause", { success: false, changed: false, message: "暂停订单失败" }),
      );
    });
  });
}
