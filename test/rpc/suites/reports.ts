import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { OrderStatus, Outcome } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { failure, failureOfUpdate, plain } from "../answers.ts";
import { insertOrder, nextOrderId } from "../orders.ts";
import { eventsOf, lockRow, type SuiteContext, stateOf, waitsForLock } from "./context.ts";

const operator = "li";
const NEVER = 9_000_000_000_000_000_000n;

/** Old operations 6 and 8, and the batch of the latter. */
export function reportTests(it: SuiteContext): void {
  const report = (orderId: bigint, status: OrderStatus, more: object = {}) =>
    it.client.updateOrderStatus({ orderId, status, operator, ...more });

  describe("UpdateOrderStatus", () => {
    test("moves the order: state, version, history and event", async () => {
      const orderId = await insertOrder(it.db, Status.CREATED);

      const first = await report(orderId, OrderStatus.PAID);
      const second = await report(orderId, OrderStatus.APPROVED);

      expect(plain(first)).toEqual({
        outcome: Outcome.APPLIED,
        orderId,
        orderStatus: Status.PAID,
        version: 1n,
        messageId: `${orderId}-1`,
      });
      expect(plain(second)).toEqual({
        outcome: Outcome.APPLIED,
        orderId,
        orderStatus: Status.APPROVED,
        version: 2n,
        messageId: `${orderId}-2`,
      });
      expect(await stateOf(it.db, orderId)).toMatchObject({ order_status: Status.APPROVED, version: 2, is_payed: 1 });
      expect(await eventsOf(it.db, orderId)).toEqual([
        `oms.v1.order.status.1010 ${orderId}-1`,
        `oms.v1.order.status.1020 ${orderId}-2`,
      ]);
    });

    test("the same report twice is a DUPLICATE with the first one's message id", async () => {
      const orderId = await insertOrder(it.db, Status.CREATED);
      await report(orderId, OrderStatus.PAID);

      expect(plain(await report(orderId, OrderStatus.PAID))).toEqual({
        outcome: Outcome.DUPLICATE,
        orderId,
        orderStatus: Status.PAID,
        version: 1n,
        messageId: `${orderId}-1`,
      });
      expect(await eventsOf(it.db, orderId)).toHaveLength(1);
    });

    test("a DUPLICATE of a state that was never reported here has no message id", async () => {
      const orderId = await insertOrder(it.db, Status.PICKING);

      expect(plain(await report(orderId, OrderStatus.PICKING))).toEqual({
        outcome: Outcome.DUPLICATE,
        orderId,
        orderStatus: Status.PICKING,
        version: 0n,
        messageId: "",
      });
    });

    test("a late report is STALE, kept in the history, and changes nothing", async () => {
      const orderId = await insertOrder(it.db, Status.WMS_DISPATCHED);
      await report(orderId, OrderStatus.HANDED_OVER);

      expect(plain(await report(orderId, OrderStatus.PICKING))).toEqual({
        outcome: Outcome.STALE,
        orderId,
        orderStatus: Status.HANDED_OVER,
        version: 1n,
        messageId: "",
      });
      const { entries } = await it.client.listStatusHistory({ orderId });
      expect(entries.map(({ outcome, version, messageId }) => [outcome, version, messageId])).toEqual([
        [Outcome.APPLIED, 1n, `${orderId}-1`],
        [Outcome.STALE, 1n, ""],
      ]);
      expect(await eventsOf(it.db, orderId)).toHaveLength(1);
    });

    test.each([
      ["back from a final state", Status.DELIVERED, OrderStatus.IN_TRANSIT, Outcome.STALE],
      ["a second attempt at the door", Status.DELIVERY_FAILED, OrderStatus.OUT_FOR_DELIVERY, Outcome.APPLIED],
      ["reporters may skip what they report", Status.WMS_DISPATCHED, OrderStatus.DELIVERED, Outcome.APPLIED],
      ["cancelled before allocation by anyone", Status.APPROVED, OrderStatus.CANCELLED, Outcome.APPLIED],
    ])("%s", async (_name, from, to, outcome) => {
      const orderId = await insertOrder(it.db, from);

      expect((await report(orderId, to)).outcome).toBe(outcome);
    });

    test.each([
      ["past allocation", Status.APPROVED, OrderStatus.PICKING, "no way leads from APPROVED (1020) to PICKING (3020)"],
      ["out of a final state", Status.DELIVERED, OrderStatus.REJECTED, "DELIVERED (6010) is final"],
      [
        "a real parcel is not delivered when it is paid",
        Status.PAID,
        OrderStatus.DELIVERED,
        "only virtual goods go from PAID (1010) to DELIVERED (6010)",
      ],
      [
        "a report does not cancel what is allocated",
        Status.PICKING,
        OrderStatus.CANCELLED,
        "stock is allocated: from PICKING (3020) on only CancelOrder cancels, after the warehouse agreed",
      ],
    ])("refused, %s: ILLEGAL_TRANSITION", async (_name, from, to, why) => {
      const orderId = await insertOrder(it.db, from);

      expect(await failure(report(orderId, to))).toEqual({
        code: "FailedPrecondition",
        message: `order ${orderId}: ${why}`,
        details: {
          ErrorInfo: {
            reason: "ILLEGAL_TRANSITION",
            domain: "orderstatus.oms",
            metadata: {
              from: nameOf(from),
              to: nameOf(to),
              order_id: String(orderId),
            },
          },
        },
      });
      expect(await stateOf(it.db, orderId)).toMatchObject({ order_status: from, version: 0 });
    });

    test("virtual goods go from PAID to DELIVERED", async () => {
      const orderId = await insertOrder(it.db, Status.PAID, { main: { order_type: 31 } });

      expect((await report(orderId, OrderStatus.DELIVERED)).outcome).toBe(Outcome.APPLIED);
    });

    test("a pause holds back the forward flow's own step: ORDER_PAUSED", async () => {
      const orderId = await insertOrder(it.db, Status.APPROVED, { state: { is_pause: 1 } });

      expect(await failure(report(orderId, OrderStatus.ERP_ALLOCATED))).toEqual({
        code: "FailedPrecondition",
        message: `order ${orderId}: the order is paused: resume it before ERP_ALLOCATED (2010)`,
        details: {
          ErrorInfo: {
            reason: "ORDER_PAUSED",
            domain: "orderstatus.oms",
            metadata: { from: "APPROVED", to: "ERP_ALLOCATED", order_id: String(orderId) },
          },
        },
      });
    });

    test("a pause holds back no report of what has happened", async () => {
      const orderId = await insertOrder(it.db, Status.WMS_DISPATCHED, { state: { is_pause: 1 } });

      expect((await report(orderId, OrderStatus.PICKING)).outcome).toBe(Outcome.APPLIED);
    });

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

    test("a repeated request_id gets the first answer, whatever happened since", async () => {
      const orderId = await insertOrder(it.db, Status.CREATED);
      const requestId = randomUUID();
      const first = await report(orderId, OrderStatus.PAID, { requestId });
      await report(orderId, OrderStatus.APPROVED);

      expect(plain(await report(orderId, OrderStatus.PAID, { requestId }))).toEqual(plain(first));
      expect(await stateOf(it.db, orderId)).toMatchObject({ order_status: Status.APPROVED, version: 2 });
    });

    test("a request_id with another content is ALREADY_EXISTS", async () => {
      const orderId = await insertOrder(it.db, Status.CREATED);
      const requestId = randomUUID();
      await report(orderId, OrderStatus.PAID, { requestId });

      expect(await failure(report(orderId, OrderStatus.APPROVED, { requestId }))).toEqual({
        code: "AlreadyExists",
        message: `request_id "${requestId}" was used before with another content: use a new one for a new request`,
        details: {
          ErrorInfo: { reason: "REQUEST_ID_REUSED", domain: "orderstatus.oms", metadata: { request_id: requestId } },
        },
      });
    });

    test("a refused request leaves its request_id free", async () => {
      const orderId = await insertOrder(it.db, Status.CREATED);
      const requestId = randomUUID();
      await failure(report(orderId, OrderStatus.PICKING, { requestId }));

      expect((await report(orderId, OrderStatus.PAID, { requestId })).outcome).toBe(Outcome.APPLIED);
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

    test("an unknown order is NOT_FOUND", async () => {
      const orderId = nextOrderId();

      expect(await failure(report(orderId, OrderStatus.PAID))).toEqual({
        code: "NotFound",
        message: `there is no order ${orderId}`,
        details: {},
      });
    });
  });

  describe("CancelOrder", () => {
    const cancel = (orderId: bigint, requestId = "") =>
      it.client.cancelOrder({ orderId, operator, reason: "no stock", requestId });

    test.each([
      ["CREATED", Status.CREATED, 0],
      ["APPROVED, paused", Status.APPROVED, 1],
      ["ERP_ALLOCATED", Status.ERP_ALLOCATED, 0],
      ["PACKED", Status.PACKED, 1],
    ])("%s: cancelled, finished and of the cancelled type", async (_name, status, is_pause) => {
      const orderId = await insertOrder(it.db, status, { state: { is_pause } });

      expect(plain(await cancel(orderId))).toEqual({
        outcome: Outcome.APPLIED,
        orderStatus: Status.CANCELLED,
        version: 1n,
        messageId: `${orderId}-1`,
      });
      expect(await stateOf(it.db, orderId)).toMatchObject({
        order_status: Status.CANCELLED,
        is_finish: 1,
        order_type: 100,
        version: 1,
      });
      expect(await eventsOf(it.db, orderId)).toEqual([`oms.v1.order.status.9001 ${orderId}-1`]);
      const { entries } = await it.client.listStatusHistory({ orderId });
      expect(entries.map(({ remark }) => remark)).toEqual(["no stock"]);
    });

    test("twice: a DUPLICATE with the first one's message id", async () => {
      const orderId = await insertOrder(it.db, Status.PAID);
      await cancel(orderId);

      expect(plain(await cancel(orderId))).toEqual({
        outcome: Outcome.DUPLICATE,
        orderStatus: Status.CANCELLED,
        version: 1n,
        messageId: `${orderId}-1`,
      });
    });

    test("a repeated request_id gets the first answer; with another content ALREADY_EXISTS", async () => {
      const orderId = await insertOrder(it.db, Status.PAID);
      const requestId = randomUUID();
      const first = await cancel(orderId, requestId);

      expect(plain(await cancel(orderId, requestId))).toEqual(plain(first));
      const other = it.client.cancelOrder({ orderId, operator, reason: "another", requestId });
      expect((await failure(other)).details).toMatchObject({ ErrorInfo: { reason: "REQUEST_ID_REUSED" } });
    });

    test.each([
      ["HANDED_OVER", Status.HANDED_OVER],
      ["DELIVERED", Status.DELIVERED],
      ["SPLIT", Status.SPLIT],
    ])("%s: ILLEGAL_TRANSITION", async (name, status) => {
      const orderId = await insertOrder(it.db, status);

      const { code, details } = await failure(cancel(orderId));
      expect([code, details]).toEqual([
        "FailedPrecondition",
        {
          ErrorInfo: {
            reason: "ILLEGAL_TRANSITION",
            domain: "orderstatus.oms",
            metadata: { from: name, to: "CANCELLED", order_id: String(orderId) },
          },
        },
      ]);
    });

    test("an unknown order is NOT_FOUND", async () => {
      expect((await failure(cancel(nextOrderId()))).code).toBe("NotFound");
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

const NAMES = new Map<number, string>(Object.entries(Status).map(([name, code]) => [code, name]));

function nameOf(code: number): string {
  return NAMES.get(code) ?? String(code);
}
