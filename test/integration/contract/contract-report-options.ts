import { setTimeout as delay } from "node:timers/promises";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { OrderStatus, Outcome } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { failure, failureOfUpdate, plain } from "../../support/failures.ts";
import { eventsOf, insertOrder, lockRow, nextOrderId, stateOf, waitsForLock } from "../../support/orders.ts";
import type { ContractApi } from "./api.ts";

const operator = "li";
const FAR_VERSION = 9_000_000_000_000_000_000n;

/** Options and batches of reports without legacy counterpart, and their history. */
export function reportOptionTests(api: ContractApi): void {
  const report = (orderId: bigint, status: OrderStatus, more: object = {}) =>
    api.client.updateOrderStatus({ orderId, status, operator, ...more });

  describe("UpdateOrderStatus", () => {
    test("expected_version: applied at that version, ABORTED at another", async () => {
      const orderId = await insertOrder(api.db, Status.CREATED);

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
      expect((await failure(report(orderId, OrderStatus.APPROVED, { expectedVersion: FAR_VERSION }))).code).toBe(
        "Aborted",
      );
    });

    test("validate_only: the response without the change", async () => {
      const orderId = await insertOrder(api.db, Status.CREATED);

      expect(plain(await report(orderId, OrderStatus.PAID, { validateOnly: true }))).toEqual({
        outcome: Outcome.APPLIED,
        orderId,
        orderStatus: Status.PAID,
        version: 1n,
        messageId: `${orderId}-1`,
      });
      expect(await stateOf(api.db, orderId)).toMatchObject({ order_status: Status.CREATED, version: 0 });
      expect(await eventsOf(api.db, orderId)).toEqual([]);
      expect((await failure(report(orderId, OrderStatus.PICKING, { validateOnly: true }))).code).toBe(
        "FailedPrecondition",
      );
    });

    test("a report that exceeds its deadline while queued is DEADLINE_EXCEEDED, and not applied", async () => {
      const orderId = await insertOrder(api.db, Status.CREATED);
      const { locked, unlock } = await lockRow(api.db, orderId);
      const first = report(orderId, OrderStatus.PAID);
      await waitsForLock(api.db, orderId);
      const late = api.client.updateOrderStatus(
        { orderId, status: OrderStatus.APPROVED, operator },
        { timeoutMs: 300 },
      );

      expect((await failure(late)).code).toBe("DeadlineExceeded");
      // The server measures from the arrival of the call: its deadline is slightly later than the
      // caller's.
      await delay(1_000);
      unlock();
      await locked;
      expect((await first).outcome).toBe(Outcome.APPLIED);
      expect((await report(orderId, OrderStatus.PAID)).outcome).toBe(Outcome.DUPLICATE);
    });
  });

  describe("BatchUpdateOrderStatus", () => {
    test("each report gets the response that it would get on its own, in request order", async () => {
      const good = await insertOrder(api.db, Status.CREATED);
      const illegal = await insertOrder(api.db, Status.DELIVERED);
      const unknown = nextOrderId();
      const bad = [
        { orderId: illegal, status: OrderStatus.LOST, operator },
        { orderId: unknown, status: OrderStatus.PAID, operator },
        { orderId: -1n, status: OrderStatus.UNSPECIFIED, operator: "" },
        { orderId: good, status: OrderStatus.PAID, operator, expectedVersion: 7n },
        { orderId: good, status: OrderStatus.PAID, operator, remark: "x".repeat(513) },
      ];
      const alone = await Promise.all(bad.map((update) => failure(api.client.updateOrderStatus(update))));

      const { results } = await api.client.batchUpdateOrderStatus({
        updates: [
          { orderId: good, status: OrderStatus.PAID, operator },
          ...bad,
          { orderId: good, status: OrderStatus.APPROVED, operator },
          { orderId: good, status: OrderStatus.PAID, operator },
        ],
      });

      const responses = results.map(({ result }) => (result.case === "response" ? plain(result.value) : result.case));
      expect(responses).toEqual([
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
      // The version differs from that of the single calls.
      const expected = alone.map((single) =>
        JSON.parse(
          JSON.stringify(single)
            .replace("at version 0", "at version 1")
            .replace('"actual_version":"0"', '"actual_version":"1"'),
        ),
      );
      expect(failed).toEqual(expected);
    });

    test("1,000 reports in one batch", async () => {
      const ids = await Promise.all(Array.from({ length: 50 }, () => insertOrder(api.db, Status.CREATED)));
      const path = [OrderStatus.PAID, OrderStatus.APPROVED, OrderStatus.ERP_ALLOCATED, OrderStatus.WMS_DISPATCHED];
      const updates = Array.from({ length: 1_000 }, (_, index) => ({
        orderId: ids[index % 50] as bigint,
        status: path[Math.floor(index / 50) % 4] as OrderStatus,
        operator,
      }));

      const { results } = await api.client.batchUpdateOrderStatus({ updates });

      const outcomes = results.map(({ result }) => (result.case === "response" ? result.value.outcome : result.case));
      expect(outcomes.slice(0, 200)).toEqual(Array(200).fill(Outcome.APPLIED));
      expect(new Set(outcomes.slice(200))).toEqual(new Set([Outcome.STALE, Outcome.DUPLICATE]));
    });
  });

  test("time, remark and operator are stored as given", async () => {
    const orderId = await insertOrder(api.db, Status.CREATED);
    const occurTime = new Date("2024-02-29T23:59:59.123Z");
    await report(orderId, OrderStatus.PAID, {
      occurTime: timestampFromDate(occurTime),
      remark: "支付宝 🧧 it's 'paid' \\ ok",
      requestId: `rid-${orderId}`,
    });

    const { entries } = await api.client.listStatusHistory({ orderId });
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
        authenticatedOperator: "",
        requestId: `rid-${orderId}`,
        remark: "支付宝 🧧 it's 'paid' \\ ok",
        messageId: `${orderId}-1`,
      },
    ]);
  });
}
