import { setTimeout as delay } from "node:timers/promises";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { OrderStatus, Outcome } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { failure, failureOfUpdate, plain } from "../transport/failures.ts";
import { insertOrder, nextOrderId } from "../transport/orders.ts";
import { type ContractContext, eventsOf, lockRow, stateOf, waitsForLock } from "./context.ts";

const operator = "li";
const NEVER = 9_000_000_000_000_000_000n;

/** What a report may ask for that the old system did not have, reports by the batch, and what the history tells of them. */
export function reportOptionTests(it: ContractContext): void {
  const report = (orderId: bigint, status: OrderStatus, more: object = {}) =>
    it.client.updateOrderStatus({ orderId, status, operator, ...more });

  describe("UpdateOrderStatus", () => {
    test("expected_version: made at that version, ABORTED at another", async () => {
      const orderId = await insertOrder(it.db, Status.CREATED);

      expect((await report(orderId, OrderStatus.PAID, { expectedVersion: 0n })).outcome).toBe(Outcome.APPLIED);
      expect(await failure(report(orderId, OrderStatus.APPROVED, { expectedVersion: 0n }))).toEqual({
        code: "Aborted",
        message: `order ${orderId} is at version 1, not 0: read it again`,
        details: {
          ErrorInfo: {
            reason: "VERSION_MISMATCH",
            domain: "orderstatus.oms",
            metadata: { expected_version: "0", actual_version: "1", order_id: String(orderId) },
          },
        },
      });
      expect((await failure(report(orderId, OrderStatus.APPROVED, { expectedVersion: NEVER }))).code).toBe("Aborted");
    });

    test("validate_only: the answer without the change", async () => {
      const orderId = await insertOrder(it.db, Status.CREATED);

      expect(plain(await report(orderId, OrderStatus.PAID, { validateOnly: true }))).toEqual({
        outcome: Outcome.APPLIED,
        orderId,
        orderStatus: Status.PAID,
        version: 1n,
        messageId: `${orderId}-1`,
      });
      expect(await stateOf(it.db, orderId)).toMatchObject({ order_status: Status.CREATED, version: 0 });
      expect(await eventsOf(it.db, orderId)).toEqual([]);
      expect((await failure(report(orderId, OrderStatus.PICKING, { validateOnly: true }))).code).toBe(
        "FailedPrecondition",
      );
    });

    test("a report whose deadline passes while it waits is DEADLINE_EXCEEDED, and is not made", async () => {
      const orderId = await insertOrder(it.db, Status.CREATED);
      const { locked, unlock } = await lockRow(it.db, orderId);
      const first = report(orderId, OrderStatus.PAID);
      await waitsForLock(it.db, orderId);
      const late = it.client.updateOrderStatus({ orderId, status: OrderStatus.APPROVED, operator }, { timeoutMs: 300 });

      expect((await failure(late)).code).toBe("DeadlineExceeded");
      // The server counts from the call's arrival: it gives up a little later than the caller does.
      await delay(300);
      unlock();
      await locked;
      expect((await first).outcome).toBe(Outcome.APPLIED);
      expect((await report(orderId, OrderStatus.PAID)).outcome).toBe(Outcome.DUPLICATE);
    });
  });

  describe("BatchUpdateOrderStatus", () => {
    test("each report gets the answer it would have got alone, in the same order", async () => {
      const good = await insertOrder(it.db, Status.CREATED);
      const illegal = await insertOrder(it.db, Status.DELIVERED);
      const unknown = nextOrderId();
      const bad = [
        { orderId: illegal, status: OrderStatus.LOST, operator },
        { orderId: unknown, status: OrderStatus.PAID, operator },
        { orderId: -1n, status: OrderStatus.UNSPECIFIED, operator: "" },
        { orderId: good, status: OrderStatus.PAID, operator, expectedVersion: 7n },
        { orderId: good, status: OrderStatus.PAID, operator, remark: "x".repeat(513) },
      ];
      const alone = await Promise.all(bad.map((update) => failure(it.client.updateOrderStatus(update))));

      const { results } = await it.client.batchUpdateOrderStatus({
        updates: [
          { orderId: good, status: OrderStatus.PAID, operator },
          ...bad,
          { orderId: good, status: OrderStatus.APPROVED, operator },
          { orderId: good, status: OrderStatus.PAID, operator },
        ],
      });

      const taken = results.map(({ result }) => (result.case === "response" ? plain(result.value) : result.case));
      expect(taken).toEqual([
        { outcome: Outcome.APPLIED, orderId: good, orderStatus: 1010, version: 1n, messageId: `${good}-1` },
        "error",
        "error",
        "error",
        "error",
        "error",
        { outcome: Outcome.APPLIED, orderId: good, orderStatus: 1020, version: 2n, messageId: `${good}-2` },
        { outcome: Outcome.STALE, orderId: good, orderStatus: 1020, version: 2n, messageId: "" },
      ]);
      const failed = results.flatMap(({ result }) => (result.case === "error" ? [failureOfUpdate(result.value)] : []));
      // The order has moved since it was asked alone.
      const expected = alone.map((one) =>
        JSON.parse(
          JSON.stringify(one)
            .replace("at version 0", "at version 1")
            .replace('"actual_version":"0"', '"actual_version":"1"'),
        ),
      );
      expect(failed).toEqual(expected);
    });

    test("1,000 reports at once", async () => {
      const ids = await Promise.all(Array.from({ length: 50 }, () => insertOrder(it.db, Status.CREATED)));
      const ways = [OrderStatus.PAID, OrderStatus.APPROVED, OrderStatus.ERP_ALLOCATED, OrderStatus.WMS_DISPATCHED];
      const updates = Array.from({ length: 1_000 }, (_, index) => ({
        orderId: ids[index % 50] as bigint,
        status: ways[Math.floor(index / 50) % 4] as OrderStatus,
        operator,
      }));

      const { results } = await it.client.batchUpdateOrderStatus({ updates });

      const outcomes = results.map(({ result }) => (result.case === "response" ? result.value.outcome : result.case));
      expect(outcomes.slice(0, 200)).toEqual(Array(200).fill(Outcome.APPLIED));
      expect(new Set(outcomes.slice(200))).toEqual(new Set([Outcome.STALE, Outcome.DUPLICATE]));
    });
  });

  test("times, remark and operator are kept as given", async () => {
    const orderId = await insertOrder(it.db, Status.CREATED);
    const occurTime = new Date("2024-02-29T23:59:59.123Z");
    await report(orderId, OrderStatus.PAID, {
      occurTime: timestampFromDate(occurTime),
      remark: "支付宝 🧧 it's 'paid' \\ ok",
      requestId: `rid-${orderId}`,
    });

    const { entries } = await it.client.listStatusHistory({ orderId });
    expect(entries.map(plain)).toEqual([
      {
        version: 1n,
        fromStatus: Status.CREATED,
        toStatus: Status.PAID,
        outcome: Outcome.APPLIED,
        occurTime,
        recordTime: expect.any(Date),
        caller: "anonymous",
        operator,
        requestId: `rid-${orderId}`,
        remark: "支付宝 🧧 it's 'paid' \\ ok",
        messageId: `${orderId}-1`,
      },
    ]);
  });
}
