import { describe, expect, test } from "vitest";
import { NotPayableReason, OrderStatus } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { SHIPMENT_TYPES } from "../../../src/domain/order-kinds.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { failure, plain } from "../../support/failures.ts";
import { insertOrder, nextOrderId } from "../../support/orders.ts";
import type { LegacyContractApi } from "./api.ts";

/** Legacy operations 5, 7, 9, 10, 11 and 12, and return details. */
export function readTests(api: LegacyContractApi): void {
  describe("GetPaymentStatus", () => {
    test.each([
      [1, true],
      [0, false],
      [null, false],
    ])("is_payed %s", async (is_payed, paid) => {
      const orderId = await insertOrder(api.db, Status.CREATED, { main: { is_payed } });

      expect(plain(await api.client.getPaymentStatus({ orderId }))).toEqual({ paid });
    });

    test("an unknown order is NOT_FOUND", async () => {
      expect((await failure(api.client.getPaymentStatus({ orderId: nextOrderId() }))).code).toBe("NotFound");
    });
  });

  describe("GetOrderStatus", () => {
    test("status, pause, version, time and return ids", async () => {
      const update_date = new Date("2026-03-01T10:20:30.456Z");
      const orderId = await insertOrder(api.db, Status.DELIVERED, { state: { is_pause: 1, update_date } });
      await api.db
        .insertInto("ordercancel_db.order_return_detail")
        .values([12n, 11n, 9_007_199_254_740_993n].map((return_id) => ({ order_id: orderId, return_id })))
        .execute();

      expect(plain(await api.client.getOrderStatus({ orderId }))).toEqual(
        api.covered("getOrderStatus", {
          orderId,
          orderStatus: OrderStatus.DELIVERED,
          paused: true,
          finished: true,
          version: 0n,
          updateTime: update_date,
          returnIds: [11n, 12n, 9_007_199_254_740_993n],
        }),
      );
    });

    test.each([
      ["dispatched: is_finish is 1, but the state is not final", Status.WMS_DISPATCHED, 1, false],
      ["rejected: is_finish is 0, but the state is final", Status.REJECTED, 0, true],
      ["an unknown code is not final", 4444, 1, false],
    ])("%s", async (_name, status, is_finish, finished) => {
      const orderId = await insertOrder(api.db, status, { state: { is_finish } });

      expect(await api.client.getOrderStatus({ orderId })).toMatchObject(
        api.covered("getOrderStatus", { orderStatus: status, finished }),
      );
    });

    test("an unknown order is NOT_FOUND", async () => {
      const orderId = nextOrderId();

      expect(await failure(api.client.getOrderStatus({ orderId }))).toEqual(
        api.failure({ code: "NotFound", message: `there is no order ${orderId}`, details: {} }),
      );
    });
  });

  describe("CheckPayable", () => {
    const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);

    test.each([
      ["29 minutes old", 1000, 29, false, NotPayableReason.UNSPECIFIED],
      ["a little more than 30 minutes old", 1000, 30.1, false, NotPayableReason.EXPIRED],
      ["source 1025 never expires", 1025, 600, false, NotPayableReason.UNSPECIFIED],
      ["a cancel was requested", 1025, 1, true, NotPayableReason.CANCEL_REQUESTED],
    ])("%s", async (_name, order_source, minutes, cancelled, reason) => {
      const create_date = minutesAgo(minutes);
      const orderId = await insertOrder(api.db, Status.CREATED, { main: { order_source, create_date } });
      if (cancelled) {
        await api.db.insertInto("ordercancel_db.oms_order_cancel").values({ order_id: orderId }).execute();
      }

      expect(plain(await api.client.checkPayable({ orderId }))).toEqual({
        payable: reason === NotPayableReason.UNSPECIFIED,
        reason,
      });
    });

    test("an unknown order is NOT_FOUND", async () => {
      expect((await failure(api.client.checkPayable({ orderId: nextOrderId() }))).code).toBe("NotFound");
    });
  });

  describe("GetMaxSubOrderStatus", () => {
    test("the most advanced sub-order, without parents and types 41, 5, 4", async () => {
      const root = nextOrderId();
      const child = (status: number, main: object = {}) =>
        insertOrder(api.db, status, { main: { root_parent_id: root, parent_id: root, ...main } });
      await child(Status.SPLIT, { is_parent: 1 });
      await child(Status.PICKING);
      await child(Status.HANDED_OVER);
      await child(Status.DELIVERED, { is_parent: 1 });
      await child(Status.REJECTED, { order_type: 41 });
      await child(Status.REJECTED, { order_type: 5 });
      await child(Status.REJECTED, { order_type: 4 });

      expect(plain(await api.client.getMaxSubOrderStatus({ rootOrderId: root }))).toEqual({
        orderStatus: OrderStatus.HANDED_OVER,
      });
    });

    test("a trade without sub-order is NOT_FOUND", async () => {
      const rootOrderId = nextOrderId();

      expect(await failure(api.client.getMaxSubOrderStatus({ rootOrderId }))).toEqual(
        api.failure({ code: "NotFound", message: `trade ${rootOrderId} has no sub-order`, details: {} }),
      );
    });
  });

  test("ListOrderSources: all, ordered by code", async () => {
    await api.db.deleteFrom("oms_db.oms_order_source").execute();
    await api.db
      .insertInto("oms_db.oms_order_source")
      .values([
        { order_source: 2001, order_source_value: "美团" },
        { order_source: 1000, order_source_value: "自营" },
      ])
      .execute();

    expect(plain(await api.client.listOrderSources({}))).toEqual({
      sources: [
        { orderSource: 1000, name: "自营" },
        { orderSource: 2001, name: "美团" },
      ],
    });
  });

  test("ListShipmentTypes: the fixed list", async () => {
    expect(plain(await api.client.listShipmentTypes({}))).toEqual({ shipmentTypes: SHIPMENT_TYPES });
  });

  describe("ListReturnDetails", () => {
    test("ordered by order, return and SKU; legacy rows are incomplete", async () => {
      const [first, second, other] = [nextOrderId(), nextOrderId(), nextOrderId()];
      const create_date = new Date("2026-03-01T10:20:30.456Z");
      await api.db
        .insertInto("ordercancel_db.order_return_detail")
        .values([
          { order_id: second, return_id: 9_007_199_254_740_993n, sku_id: 8n, quantity: 2, create_date },
          { order_id: first, return_id: 21n, sku_id: 9n, quantity: 1, create_date },
          { order_id: first, return_id: 21n, sku_id: 7n, quantity: 3, create_date },
          { order_id: other, return_id: 22n, create_date: null },
        ])
        .execute();

      const response = await api.reversal.listReturnDetails({ orderIds: [second, first, nextOrderId(), first] });

      expect(plain(response)).toEqual({
        details: [
          { orderId: first, returnId: 21n, skuId: 7n, quantity: 3, createTime: create_date },
          { orderId: first, returnId: 21n, skuId: 9n, quantity: 1, createTime: create_date },
          { orderId: second, returnId: 9_007_199_254_740_993n, skuId: 8n, quantity: 2, createTime: create_date },
        ],
      });
      const legacy = await api.reversal.listReturnDetails({ orderIds: [other] });
      expect(legacy.details).toMatchObject([{ orderId: other, returnId: 22n, skuId: 0n, quantity: 0 }]);
      expect(legacy.details[0]?.createTime).toBeUndefined();
    });

    test("orders without returns have no details", async () => {
      expect(plain(await api.reversal.listReturnDetails({ orderIds: [nextOrderId()] }))).toEqual({ details: [] });
    });
  });
}
