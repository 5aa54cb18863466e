import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { Status } from "../../../src/domain/state-machine.ts";
import { failure, plain } from "../../support/failures.ts";
import { eventsOf, insertOrder, nextOrderId } from "../../support/orders.ts";
import type { LegacyContractApi } from "./api.ts";

const operator = "zhao";

/** Legacy operations 13, 14 and 15. */
export function changeTests(api: LegacyContractApi): void {
  describe("MarkInvoicesPrinted", () => {
    const withInvoice = async (invoice: object = {}) => {
      const orderId = await insertOrder(api.db, Status.DELIVERED);
      await api.db
        .insertInto("oms_db.oms_order_invoice")
        .values({ order_id: orderId, invoice_title: "old title", invoice_email: "old@example.com", ...invoice })
        .execute();
      return orderId;
    };
    const invoiceOf = (orderId: bigint) =>
      api.db
        .selectFrom("oms_db.oms_order_invoice")
        .selectAll()
        .where("order_id", "=", orderId)
        .executeTakeFirstOrThrow();

    test("marks invoices, sets the given fields and keeps the others; lists orders without invoice", async () => {
      const [first, second] = [await withInvoice(), await withInvoice()];
      const bare = await insertOrder(api.db, Status.DELIVERED);
      const unknown = nextOrderId();

      const response = await api.client.markInvoicesPrinted({
        orderIds: [unknown, second, bare, first],
        invoiceTitle: "新抬头",
        invoiceContent: "商品明细",
        taxPayerCode: "91110000X",
        sendEmail: false,
      });

      expect(plain(response)).toEqual({ updatedCount: 2, missingOrderIds: [bare, unknown] });
      for (const orderId of [first, second]) {
        expect(await invoiceOf(orderId)).toEqual({
          order_id: orderId,
          invoice_status: 1,
          is_invoiced: 1,
          invoice_type: 3,
          invoice_title: "新抬头",
          invoice_content: "商品明细",
          invoice_tax_payer_code: "91110000X",
          invoice_email: "old@example.com",
        });
        expect(await eventsOf(api.db, orderId)).toEqual([`oms.v1.order.invoice.printed ${orderId}-invoice-*`]);
      }
    });

    test("a repeated call sends one mail", async () => {
      const orderId = await withInvoice();
      const call = () =>
        api.client.markInvoicesPrinted({ orderIds: [orderId], invoiceEmail: "new@example.com", sendEmail: true });

      expect(plain(await call())).toEqual({ updatedCount: 1, missingOrderIds: [] });
      expect(plain(await call())).toEqual({ updatedCount: 1, missingOrderIds: [] });

      expect((await invoiceOf(orderId)).invoice_email).toBe("new@example.com");
      const due = await api.db
        .selectFrom("oms_db.oms_action_ledger")
        .select("action")
        .where("order_id", "=", orderId)
        .execute();
      expect(due).toEqual([{ action: "e-invoice" }]);
    });
  });

  describe("UpdateDeliveryInfo", () => {
    const delivery = { deliveryId: "642", deliveryCompany: "中通快递", waybillNo: "73177150934996", operator };

    test.each([
      ["the own shop", 1000, false],
      ["a marketplace", 2001, true],
    ])("an order of %s: changed once", async (_name, order_source, thirdPartyNotified) => {
      const orderId = await insertOrder(api.db, Status.PACKED, { main: { order_source } });

      expect(plain(await api.client.updateDeliveryInfo({ orderId, ...delivery }))).toEqual(
        api.covered("updateDeliveryInfo", { changed: true, thirdPartyNotified }),
      );
      expect(plain(await api.client.updateDeliveryInfo({ orderId, ...delivery }))).toEqual(
        api.covered("updateDeliveryInfo", { changed: false, thirdPartyNotified: false }),
      );
      expect(
        await api.db
          .selectFrom("oms_db.oms_order_delivery_main")
          .select(["delivery_id", "delivery_company", "waybill_no"])
          .where("order_id", "=", orderId)
          .execute(),
      ).toEqual([{ delivery_id: "642", delivery_company: "中通快递", waybill_no: "73177150934996" }]);
      expect(await eventsOf(api.db, orderId)).toEqual([`oms.v1.order.delivery.changed ${orderId}-delivery-*`]);
    });

    test("an unknown order is NOT_FOUND", async () => {
      expect((await failure(api.client.updateDeliveryInfo({ orderId: nextOrderId(), ...delivery }))).code).toBe(
        "NotFound",
      );
    });
  });

  describe("RecordShippedQuantities", () => {
    const shippedOf = async (orderId: bigint) => {
      const rows = await api.db
        .selectFrom("oms_db.oms_order_detail_exp")
        .select(["sku_id", "delivery_num"])
        .where("order_id", "=", orderId)
        .orderBy("sku_id")
        .execute();
      return rows.map(({ sku_id, delivery_num }) => [sku_id, delivery_num]);
    };

    test("records quantities; a later report replaces an earlier one", async () => {
      const orderId = await insertOrder(api.db, Status.PACKED);
      const record = (lines: { skuId: bigint; quantity: number }[]) =>
        api.client.recordShippedQuantities({ orderId, lines, operator });

      expect(plain(await record([line(7n, 2), line(8n, 0)]))).toEqual({ recordedCount: 2 });
      expect(plain(await record([line(8n, 5)]))).toEqual({ recordedCount: 1 });

      expect(await shippedOf(orderId)).toEqual([
        [7n, 2],
        [8n, 5],
      ]);
      expect(await eventsOf(api.db, orderId)).toEqual([
        `oms.v1.order.shipped ${orderId}-shipped-*`,
        `oms.v1.order.shipped ${orderId}-shipped-*`,
      ]);
    });

    test("a repeated request_id records once; with other content ALREADY_EXISTS", async () => {
      const orderId = await insertOrder(api.db, Status.PACKED);
      const requestId = randomUUID();
      const record = (quantity: number) =>
        api.client.recordShippedQuantities({ orderId, lines: [line(7n, quantity)], operator, requestId });

      expect(plain(await record(2))).toEqual({ recordedCount: 1 });
      expect(plain(await record(2))).toEqual({ recordedCount: 1 });
      expect(await failure(record(3))).toEqual(
        api.failure({
          code: "AlreadyExists",
          message: `request_id "${requestId}" was used before with another content: use a new one for a new request`,
          details: {
            ErrorInfo: { reason: "REQUEST_ID_REUSED", domain: "orderstatus.oms", metadata: { request_id: requestId } },
          },
        }),
      );
      expect(await shippedOf(orderId)).toEqual([[7n, 2]]);
      expect(await eventsOf(api.db, orderId)).toHaveLength(1);
    });

    test("an unknown order is NOT_FOUND", async () => {
      const call = api.client.recordShippedQuantities({ orderId: nextOrderId(), lines: [line(7n, 1)], operator });

      expect((await failure(call)).code).toBe("NotFound");
    });
  });
}

const line = (skuId: bigint, quantity: number) => ({ skuId, quantity });
