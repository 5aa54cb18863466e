import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { Status } from "../../../src/domain/state-machine.ts";
import { CAUSE, insertOrder, openCommitter, pause, report, rowsOf, subscriptionsFor, useStore } from "./fixture.ts";

const { db } = useStore();
const committer = openCommitter(db);
afterAll(() => committer.close());
beforeEach(() => {
  committer.batches.length = 0;
});

const OCCURRED = new Date("2026-03-01T08:00:00.123Z");

describe("a report that is applied", () => {
  test("writes the status, a history row, the event and a ledger row for each subscribed Action", async () => {
    const orderId = await insertOrder(db, { orderSource: 2001, rootParentId: 77n });
    const before = Date.now();
    const result = await committer.report(
      report(orderId, Status.PAID, { occurTime: OCCURRED, requestId: "r-applied", remark: "it's paid; 已付款 \\ \"" }),
    );
    expect(result).toEqual({
      kind: "accepted",
      outcome: "applied",
      orderId,
      status: Status.PAID,
      version: 1,
      messageId: `${orderId}-1`,
    });

    const [event] = committer.batches.flat();
    const recordTime = event?.event.recordTime as Date;
    // The database's time, which differs slightly from this process's.
    expect(recordTime.getTime()).toBeGreaterThan(before - 1_000);
    expect(recordTime.getTime()).toBeLessThan(Date.now() + 1_000);
    const row = {
      messageId: `${orderId}-1`,
      orderId,
      subject: "test.status-changed",
      eventType: "test.status-changed.v1",
      body: Buffer.from(`${orderId}-1`),
      recordTime,
      traceparent: CAUSE.traceparent,
    };
    expect(committer.batches).toEqual([
      [
        {
          event: {
            type: "status-changed",
            messageId: `${orderId}-1`,
            orderId,
            rootParentId: 77n,
            orderSource: 2001,
            orderType: 1,
            recordTime,
            ...CAUSE,
            fromStatus: Status.CREATED,
            toStatus: Status.PAID,
            version: 1,
            occurTime: OCCURRED,
            requestId: "r-applied",
            remark: "it's paid; 已付款 \\ \"",
            warehouseCount: 0,
          },
          row: { id: event?.row.id, ...row },
        },
      ],
    ]);
    expect(await rowsOf(db, "oms_db.oms_order_status", orderId)).toEqual([
      {
        order_id: orderId,
        order_status: Status.PAID,
        is_pause: 0,
        is_finish: 0,
        create_date: expect.any(Date),
        update_date: recordTime,
        version: 1,
        passed_states: 0b11,
        status_time: OCCURRED,
        warehouse_count: 0,
      },
    ]);
    expect(await rowsOf(db, "oms_db.oms_order_main", orderId)).toMatchObject([
      { is_payed: 1, order_type: 1, update_date: recordTime, modify_date: null },
    ]);
    expect(await rowsOf(db, "oms_db.oms_status_history", orderId)).toEqual([
      {
        id: expect.any(BigInt),
        order_id: orderId,
        version: 1,
        from_status: Status.CREATED,
        to_status: Status.PAID,
        outcome: "APPLIED",
        occur_time: OCCURRED,
        record_time: recordTime,
        caller: CAUSE.caller,
        operator: CAUSE.operator,
        authenticated_operator: CAUSE.authenticatedOperator,
        traceparent: CAUSE.traceparent,
        request_id: "r-applied",
        remark: "it's paid; 已付款 \\ \"",
      },
    ]);
    expect(await rowsOf(db, "oms_db.oms_outbox", orderId)).toEqual([
      {
        id: event?.row.id,
        message_id: row.messageId,
        order_id: orderId,
        subject: row.subject,
        event_type: row.eventType,
        body: row.body,
        record_time: recordTime,
        traceparent: row.traceparent,
        published: 0,
      },
    ]);
    expect(await rowsOf(db, "oms_db.oms_action_ledger", orderId)).toEqual(
      ["first-action", "second-action"].map((action) => ({
        id: expect.any(BigInt),
        message_id: row.messageId,
        action,
        order_id: orderId,
        outbox_id: event?.row.id,
        state: "PENDING",
        attempts_started: 0,
        attempts_finished: 0,
        clean_attempts: 0,
        forgiven_attempts: 0,
        intervention_id: null,
        claimed_by: 0n,
        next_attempt_time: new Date(recordTime.getTime() + 30_000),
        last_error: null,
        first_time: recordTime,
        finish_time: null,
      })),
    );
  });

  test("without a time has the time of the commit", async () => {
    const orderId = await insertOrder(db);
    await committer.report(report(orderId, Status.PAID));
    const [line] = await rowsOf(db, "oms_db.oms_status_history", orderId);
    expect(line?.occur_time).toEqual(line?.record_time);
  });

  test("that no Action subscribes to has an event and no ledger row", async () => {
    const quiet = openCommitter(db, { subscriptionsFor: () => [] });
    const orderId = await insertOrder(db);
    await quiet.report(report(orderId, Status.PAID));
    await quiet.close();
    expect(await rowsOf(db, "oms_db.oms_outbox", orderId)).toHaveLength(1);
    expect(await rowsOf(db, "oms_db.oms_action_ledger", orderId)).toEqual([]);
  });

  test("cancels in both rows, by a report or by CancelOrder", async () => {
    const byReport = await insertOrder(db, { status: Status.PAID });
    await committer.report(report(byReport, Status.CANCELLED));
    const byOperation = await insertOrder(db, { status: Status.PACKED });
    await committer.report(report(byOperation, Status.CANCELLED, { by: "operation" }));
    for (const orderId of [byReport, byOperation]) {
      const [status] = await rowsOf(db, "oms_db.oms_order_status", orderId);
      const time = status?.update_date;
      expect(status).toMatchObject({ order_status: Status.CANCELLED, is_finish: 1, update_date: expect.any(Date) });
      expect(await rowsOf(db, "oms_db.oms_order_main", orderId)).toMatchObject([
        { order_type: 100, update_date: time, modify_date: time },
      ]);
    }
    // The type before the cancel.
    expect(committer.batches.flat().map(({ event }) => event.orderType)).toEqual([1, 1]);
  });

  test("writes the legacy column is_finish: 1 on dispatch, 0 with each WMS report, unchanged after that", async () => {
    const orderId = await insertOrder(db, { status: Status.ERP_ALLOCATED });
    const flags = [];
    for (const status of [
      Status.WMS_DISPATCHED,
      Status.WMS_ACCEPTED,
      Status.PICKING,
      Status.PACKED,
      Status.HANDED_OVER,
      Status.IN_TRANSIT,
      Status.DELIVERED,
    ]) {
      await committer.report(report(orderId, status));
      const [row] = await rowsOf(db, "oms_db.oms_order_status", orderId);
      flags.push(row?.is_finish);
    }
    expect(flags).toEqual([1, 0, 0, 0, 0, 0, 0]);
  });

  test("moves virtual goods from PAID to DELIVERED", async () => {
    const orderId = await insertOrder(db, { status: Status.PAID, orderType: 31 });
    expect(await committer.report(report(orderId, Status.DELIVERED))).toMatchObject({ outcome: "applied", version: 1 });
  });
});

describe("a report that changes nothing", () => {
  test("repeated: returns the message id of the first one, and writes nothing", async () => {
    const orderId = await insertOrder(db);
    await committer.report(report(orderId, Status.PAID));
    expect(await committer.report(report(orderId, Status.PAID))).toEqual({
      kind: "accepted",
      outcome: "duplicate",
      orderId,
      status: Status.PAID,
      version: 1,
      messageId: `${orderId}-1`,
    });
    expect(await rowsOf(db, "oms_db.oms_status_history", orderId)).toHaveLength(1);
    expect(await rowsOf(db, "oms_db.oms_outbox", orderId)).toHaveLength(1);
  });

  test("repeated for an order that never changed here: no message id", async () => {
    const orderId = await insertOrder(db, { status: Status.PICKING });
    expect(await committer.report(report(orderId, Status.PICKING))).toMatchObject({
      outcome: "duplicate",
      version: 0,
      messageId: "",
    });
  });

  test("late: written to the history", async () => {
    const orderId = await insertOrder(db, { status: Status.WMS_DISPATCHED });
    await committer.report(report(orderId, Status.PACKED));
    expect(await committer.report(report(orderId, Status.PICKING, { occurTime: OCCURRED, remark: "late" }))).toEqual({
      kind: "accepted",
      outcome: "stale",
      orderId,
      status: Status.PACKED,
      version: 1,
      messageId: "",
    });
    const [, late] = await rowsOf(db, "oms_db.oms_status_history", orderId);
    expect(late).toMatchObject({
      version: 1,
      from_status: Status.PACKED,
      to_status: Status.PICKING,
      outcome: "STALE",
      occur_time: OCCURRED,
      remark: "late",
    });
    expect(await rowsOf(db, "oms_db.oms_outbox", orderId)).toHaveLength(1);
  });

  test("illegal: refused with both states, and nothing is written", async () => {
    const orderId = await insertOrder(db);
    expect(await committer.report(report(orderId, Status.DELIVERED, { requestId: "r-refused" }))).toEqual({
      kind: "refused",
      reason: "ILLEGAL_TRANSITION",
      message: "no way leads from CREATED (1000) to DELIVERED (6010)",
      from: Status.CREATED,
      to: Status.DELIVERED,
    });
    expect(await rowsOf(db, "oms_db.oms_status_history", orderId)).toEqual([]);
    expect(await rowsOf(db, "oms_db.oms_request", orderId)).toEqual([]);
    // The request id can be used again.
    expect(await committer.report(report(orderId, Status.PAID, { requestId: "r-refused" }))).toMatchObject({
      outcome: "applied",
    });
  });

  test("of an unknown order, or one with only one row", async () => {
    await db.insertInto("oms_db.oms_order_main").values({ order_id: 5n }).execute();
    await db.insertInto("oms_db.oms_order_status").values({ order_id: 6n, order_status: 1000 }).execute();
    const results = await Promise.all([4n, 5n, 6n].map((id) => committer.report(report(id, Status.PAID))));
    expect(results).toEqual([{ kind: "not-found" }, { kind: "not-found" }, { kind: "not-found" }]);
  });

  test("with another version than the expected one", async () => {
    const orderId = await insertOrder(db);
    expect(await committer.report(report(orderId, Status.PAID, { expectedVersion: 3 }))).toEqual({
      kind: "version-mismatch",
      expected: 3,
      actual: 0,
    });
    expect(await committer.report(report(orderId, Status.PAID, { expectedVersion: 0 }))).toMatchObject({
      outcome: "applied",
    });
  });
});

describe("a request id", () => {
  test("keeps its first answer, also after further changes", async () => {
    const orderId = await insertOrder(db);
    const paid = report(orderId, Status.PAID, { requestId: "r-repeat" });
    const duplicate = report(orderId, Status.PAID, { requestId: "r-repeat-duplicate" });
    const first = await committer.report(paid);
    const firstDuplicate = await committer.report(duplicate);
    await committer.report(report(orderId, Status.APPROVED));
    expect(first).toMatchObject({ outcome: "applied", version: 1 });
    expect(await committer.report(paid)).toEqual(first);
    expect(firstDuplicate).toMatchObject({ outcome: "duplicate", version: 1 });
    expect(await committer.report(duplicate)).toEqual(firstDuplicate);
    expect(await rowsOf(db, "oms_db.oms_status_history", orderId)).toHaveLength(2);
  });

  test("is compared exactly: case and trailing spaces count", async () => {
    const orderId = await insertOrder(db);
    await committer.report(report(orderId, Status.PAID, { requestId: "r-Exact" }));
    for (const requestId of ["r-exact", "r-Exact "]) {
      expect(await committer.report(report(orderId, Status.PAID, { requestId }))).toMatchObject({
        outcome: "duplicate",
      });
    }
  });

  test("belongs to a content: only the caller and the trace may differ", async () => {
    const [orderId, other] = [await insertOrder(db), await insertOrder(db)];
    const first = report(orderId, Status.PAID, { requestId: "r-content", occurTime: OCCURRED });
    const answer = await committer.report(first);
    expect(await committer.report({ ...first, cause: { ...CAUSE, caller: "tms", traceparent: "" } })).toEqual(answer);
    for (const changed of [
      { ...first, orderId: other },
      { ...first, status: Status.CANCELLED },
      { ...first, by: "operation" as const },
      { ...first, remark: "another" },
      { ...first, occurTime: undefined },
      { ...first, expectedVersion: 0 },
      { ...first, cause: { ...CAUSE, operator: "wang" } },
    ]) {
      expect(await committer.report(changed)).toEqual({ kind: "request-id-reused" });
    }
  });

  test("used several times at once takes effect once, without retries", async () => {
    const orderId = await insertOrder(db);
    const retries: string[] = [];
    const watched = openCommitter(db, { observe: { retried: (reason) => retries.push(reason) } });
    const results = await Promise.all(
      Array.from({ length: 20 }, () => watched.report(report(orderId, Status.PAID, { requestId: "r-at-once" }))),
    );
    await watched.close();
    const answer = {
      kind: "accepted",
      outcome: "applied",
      orderId,
      status: Status.PAID,
      version: 1,
      messageId: `${orderId}-1`,
    };
    expect(results).toEqual(Array(20).fill(answer));
    expect(await rowsOf(db, "oms_db.oms_status_history", orderId)).toHaveLength(1);
    expect(retries).toEqual([]);
  });

  test("used at once for several orders takes effect for one of them", async () => {
    const orderIds = await Promise.all(Array.from({ length: 12 }, () => insertOrder(db)));
    const results = await Promise.all(
      orderIds.map((id) => committer.report(report(id, Status.PAID, { requestId: "r-two-orders" }))),
    );
    expect(results.map(({ kind }) => kind).toSorted()).toEqual(["accepted", ...Array(11).fill("request-id-reused")]);
  });
});

describe("validate_only", () => {
  test("returns what would happen, and changes nothing", async () => {
    const orderId = await insertOrder(db, { status: Status.WMS_DISPATCHED });
    const validate = (status: Status) =>
      committer.report(report(orderId, status, { validateOnly: true, requestId: "r-validate-only" }));
    expect(await validate(Status.PACKED)).toEqual({
      kind: "accepted",
      outcome: "applied",
      orderId,
      status: Status.PACKED,
      version: 1,
      messageId: `${orderId}-1`,
    });
    expect(await validate(Status.ERP_ALLOCATED)).toMatchObject({ outcome: "stale" });
    expect(await validate(Status.CANCELLED)).toMatchObject({ kind: "refused" });
    expect(committer.batches).toEqual([]);
    expect(await rowsOf(db, "oms_db.oms_status_history", orderId)).toEqual([]);
    expect(await rowsOf(db, "oms_db.oms_request", orderId)).toEqual([]);
    expect(await rowsOf(db, "oms_db.oms_order_status", orderId)).toMatchObject([{ version: 0, update_date: null }]);
  });

  test("sees the requests before it in the batch, and does not affect those after it", async () => {
    const orderId = await insertOrder(db);
    const results = await Promise.all([
      committer.report(report(orderId, Status.PAID)),
      committer.report(report(orderId, Status.APPROVED, { validateOnly: true })),
      committer.report(report(orderId, Status.APPROVED)),
    ]);
    expect(results).toMatchObject([
      { outcome: "applied", version: 1 },
      { outcome: "applied", version: 2 },
      { outcome: "applied", version: 2 },
    ]);
    expect(await rowsOf(db, "oms_db.oms_status_history", orderId)).toHaveLength(2);
  });

  test("with a used request id returns the first answer", async () => {
    const orderId = await insertOrder(db);
    const paid = report(orderId, Status.PAID, { requestId: "r-then-validate" });
    const first = await committer.report(paid);
    expect(await committer.report({ ...paid, validateOnly: true })).toEqual(first);
  });
});

describe("a pause", () => {
  test("is written once, publishes one event, and returns the order", async () => {
    const orderId = await insertOrder(db, { status: Status.WMS_DISPATCHED, isParent: 1 });
    const order = { status: Status.WMS_DISPATCHED, isParent: true, isFinish: false };
    expect(await committer.pause(pause(orderId, true, { reason: "customer called" }))).toEqual({
      kind: "paused",
      changed: true,
      order,
    });
    expect(await committer.pause(pause(orderId, true))).toEqual({ kind: "paused", changed: false, order });
    const [{ event, row } = expect.fail("no event")] = committer.batches.flat();
    expect(committer.batches.flat()).toHaveLength(1);
    expect(event).toEqual({
      type: "pause-changed",
      messageId: expect.stringMatching(`^${orderId}-pause-[0-9a-f-]{36}$`),
      orderId,
      rootParentId: orderId,
      orderSource: 1000,
      orderType: 1,
      recordTime: expect.any(Date),
      ...CAUSE,
      paused: true,
      reason: "customer called",
      status: Status.WMS_DISPATCHED,
      warehouseCount: 0,
    });
    expect(subscriptionsFor(event)).toEqual([{ action: "first-action" }]);
    expect(await rowsOf(db, "oms_db.oms_action_ledger", orderId)).toMatchObject([
      { message_id: event.messageId, action: "first-action", outbox_id: row.id },
    ]);
    expect(await rowsOf(db, "oms_db.oms_order_status", orderId)).toMatchObject([
      { is_pause: 1, order_status: Status.WMS_DISPATCHED, version: 0, update_date: event.recordTime },
    ]);
    expect(await committer.pause(pause(orderId, false))).toMatchObject({ changed: true });
    expect(await rowsOf(db, "oms_db.oms_order_status", orderId)).toMatchObject([{ is_pause: 0 }]);
  });

  test("of an unknown order", async () => {
    expect(await committer.pause(pause(4n, true))).toEqual({ kind: "not-found" });
  });

  test("blocks the forward flow's steps from the next request of the same batch on", async () => {
    const orderId = await insertOrder(db, { status: Status.PAID });
    const results = await Promise.all([
      committer.pause(pause(orderId, true)),
      committer.report(report(orderId, Status.APPROVED)),
      committer.pause(pause(orderId, false)),
      committer.report(report(orderId, Status.APPROVED)),
    ]);
    expect(results).toMatchObject([
      { kind: "paused", changed: true },
      { kind: "refused", reason: "ORDER_PAUSED", from: Status.PAID, to: Status.APPROVED },
      { kind: "paused", changed: true },
      { kind: "accepted", outcome: "applied", version: 1 },
    ]);
  });
});

test("several changes of one order in one batch are applied in order", async () => {
  const orderId = await insertOrder(db);
  const steps = [Status.PAID, Status.APPROVED, Status.ERP_ALLOCATED, Status.WMS_DISPATCHED, Status.PICKING] as const;
  const results = await Promise.all(steps.map((status) => committer.report(report(orderId, status))));
  expect(results).toMatchObject(steps.map((status, index) => ({ outcome: "applied", status, version: index + 1 })));
  expect(committer.batches).toHaveLength(1);
  expect(committer.batches.flat().map(({ event }) => event.messageId)).toEqual(
    steps.map((_, index) => `${orderId}-${index + 1}`),
  );
  const history = await rowsOf(db, "oms_db.oms_status_history", orderId);
  expect(history.map((row) => [row.version, row.from_status, row.to_status])).toEqual([
    [1, Status.CREATED, Status.PAID],
    [2, Status.PAID, Status.APPROVED],
    [3, Status.APPROVED, Status.ERP_ALLOCATED],
    [4, Status.ERP_ALLOCATED, Status.WMS_DISPATCHED],
    [5, Status.WMS_DISPATCHED, Status.PICKING],
  ]);
  const outbox = await rowsOf(db, "oms_db.oms_outbox", orderId);
  expect(outbox.map((row) => [row.id, row.message_id])).toEqual(
    committer.batches.flat().map(({ row }) => [row.id, row.messageId]),
  );
});
