import { afterAll, describe, expect, test } from "vitest";
import { listActions, listInterventions } from "../../../src/application/action-admin/actions.ts";
import {
  discardParked,
  listParked,
  type ParkedBatchInput,
  retryParked,
} from "../../../src/application/action-admin/parked.ts";
import { type ReplayInput, replay } from "../../../src/application/action-admin/replay.ts";
import type { BatchLimits } from "../../../src/application/action-admin/time-boxed.ts";
import type { ActionInfo, OperationDeps } from "../../../src/application/deps.ts";
import { retryStep } from "../../../src/application/fulfilment/order-flows.ts";
import type { OrderEvent } from "../../../src/domain/events.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { openTotalsReader } from "../../../src/store/ledger/open-counts.ts";
import type { CommittedEvent } from "../../../src/store/outbox/outbox.ts";
import type { ActionState } from "../../../src/store/schema.ts";
import { eventually } from "../../support/eventually.ts";
import { encode, insertOrder, openCommitter, report, rowsOf, useStore } from "../store/fixture.ts";

const { db } = useStore();
const STATES = [Status.PAID, Status.APPROVED, Status.ERP_ALLOCATED, Status.WMS_DISPATCHED, Status.HANDED_OVER];
const WHO = { operator: "li", reason: "the receiver is back" };
const CONTEXT = { caller: "test", authenticatedOperator: "li.wei", deadline: undefined };
const HOUR = 3_600_000;

let subscribers: string[] = [];
const committer = openCommitter(db, { subscriptionsFor: () => subscribers.map((action) => ({ action })) });
afterAll(() => committer.close());

let actionCount = 0;

/**
 * An Action of the test, which by default matches every status change, and the dependencies of the
 * operations.
 */
function useAction(kind: ActionInfo["kind"] = "effect", matches = (_: OrderEvent) => true) {
  actionCount += 1;
  const name = `action-${actionCount}`;
  const published: CommittedEvent[] = [];
  const deps = {
    db,
    actions: [{ name, kind, subjects: ["oms.v1.order.status.*"], matches }],
    outboxRetentionMs: HOUR,
    readOpenTotals: openTotalsReader(db, 30_000),
    now: () => db.clock.now(),
    interventions: {
      db,
      encode,
      subscriptionsFor: () => [],
      ledgerWatchMs: 30_000,
      onCommitted: (events: readonly CommittedEvent[]) => void published.push(...events),
    },
  } as unknown as OperationDeps;
  const parked = (more: Partial<ParkedBatchInput> = {}): ParkedBatchInput => ({
    action: name,
    messageIds: [],
    filter: undefined,
    validateOnly: false,
    pageToken: "",
    ...WHO,
    ...more,
  });
  const replayed = (more: Partial<ReplayInput>): ReplayInput => ({
    action: name,
    orderIds: [],
    period: undefined,
    validateOnly: false,
    pageToken: "",
    ...WHO,
    ...more,
  });
  const rows = () =>
    db.selectFrom("oms_db.oms_action_ledger").selectAll().where("action", "=", name).orderBy("id").execute();
  const interventions = async () =>
    (await listInterventions(deps, { action: name, pageSize: 0, pageToken: "" })).interventions;
  return { name, deps, parked, replayed, rows, interventions, published };
}

/** An order with `count` status changes, matched by these Actions; the first version is 1. */
async function commitChanges(count: number, actions: string[]): Promise<bigint> {
  subscribers = actions;
  const orderId = await insertOrder(db);
  for (const status of STATES.slice(0, count)) {
    await committer.report(report(orderId, status));
  }
  return orderId;
}

/** Sets the state of an Action's ledger rows. */
async function setRows(action: string, state: ActionState, more: { last_error?: string; order_id?: bigint } = {}) {
  const { order_id, ...values } = more;
  await db
    .updateTable("oms_db.oms_action_ledger")
    .set({
      state,
      attempts_started: 12,
      attempts_finished: 12,
      next_attempt_time: state === "RETRYING" ? new Date(Date.now() + HOUR) : null,
      finish_time: state === "RETRYING" ? null : new Date(),
      ...values,
    })
    .where("action", "=", action)
    .$if(order_id !== undefined, (query) => query.where("order_id", "=", order_id as bigint))
    .execute();
}

const ago = (time: Date | null) => Date.now() - Number(time);
const limits = (events: number): BatchLimits => ({ batch: 2, events, ms: 60_000 });

describe("RetryParked", () => {
  test("a retried event is due now, with a new round of attempts and a recorded intervention", async () => {
    const { name, deps, parked, rows, interventions } = useAction();
    await commitChanges(1, [name]);
    await setRows(name, "PARKED", { last_error: "answered 422" });

    expect(await retryParked(deps, parked(), CONTEXT)).toMatchObject({ count: 1, nextPageToken: "" });

    const [row] = await rows();
    const [intervention] = await interventions();
    expect(row).toMatchObject({
      state: "RETRYING",
      attempts_started: 12,
      attempts_finished: 12,
      forgiven_attempts: 12,
      finish_time: null,
      last_error: "answered 422",
      intervention_id: intervention?.id,
    });
    expect(ago(row?.next_attempt_time ?? null)).toBeLessThan(60_000);
    expect(intervention).toMatchObject({
      kind: "RETRY",
      action: name,
      selection: "all",
      affected: 1,
      caller: "test",
      ...WHO,
    });
  });

  test("a dry run counts and samples, and changes nothing", async () => {
    const { name, deps, parked, rows, interventions } = useAction();
    const orderId = await commitChanges(3, [name]);
    await setRows(name, "PARKED");
    const before = await rows();

    const { count, samples } = await retryParked(deps, parked({ validateOnly: true }), CONTEXT);

    expect(count).toBe(3);
    expect(samples.map(({ messageId }) => messageId)).toEqual([1, 2, 3].map((version) => `${orderId}-${version}`));
    expect(await rows()).toEqual(before);
    expect(await interventions()).toEqual([]);
  });

  test("continues batch by batch, and records each with its count", async () => {
    const { name, deps, parked, rows, interventions } = useAction();
    await commitChanges(5, [name]);
    await setRows(name, "PARKED");
    const counts: number[] = [];
    let pageToken = "";
    do {
      const answer = await retryParked(deps, parked({ pageToken }), CONTEXT, limits(3));
      counts.push(answer.count);
      pageToken = answer.nextPageToken;
    } while (pageToken !== "");

    expect(counts).toEqual([3, 2]);
    expect((await rows()).map(({ state }) => state)).toEqual(Array(5).fill("RETRYING"));
    expect((await interventions()).map(({ affected }) => affected)).toEqual([2, 3]);
  });

  test("two concurrent operators share the events", async () => {
    const { name, deps, parked, rows, interventions } = useAction();
    await commitChanges(5, [name]);
    await commitChanges(5, [name]);
    await setRows(name, "PARKED");

    const answers = await Promise.all(
      ["li", "wang"].map((operator) => retryParked(deps, parked({ operator }), CONTEXT, limits(100))),
    );

    const notes = await interventions();
    expect(answers.reduce((sum, { count }) => sum + count, 0)).toBe(10);
    expect(notes.reduce((sum, { affected }) => sum + affected, 0)).toBe(10);
    for (const { id, affected } of notes) {
      expect((await rows()).filter(({ intervention_id }) => intervention_id === id)).toHaveLength(affected);
    }
  });

  test("applies to events that match the filter or are named", async () => {
    const { name, deps, parked, rows } = useAction();
    const first = await commitChanges(2, [name]);
    const second = await commitChanges(2, [name]);
    await setRows(name, "PARKED", { order_id: first, last_error: "Answered 503" });
    await setRows(name, "PARKED", { order_id: second, last_error: "no such account" });
    const none = {
      errorContains: "",
      fromTime: undefined,
      toTime: undefined,
      firstOrderId: 0n,
      lastOrderId: 0n,
    };
    const count = async (more: Partial<ParkedBatchInput>) =>
      (await retryParked(deps, parked({ validateOnly: true, ...more }), CONTEXT)).count;

    expect(await count({ filter: none })).toBe(4);
    expect(await count({ filter: { ...none, errorContains: "answered 503" } })).toBe(2);
    expect(await count({ filter: { ...none, firstOrderId: second } })).toBe(2);
    expect(await count({ filter: { ...none, lastOrderId: first, errorContains: "account" } })).toBe(0);
    expect(await count({ filter: { ...none, toTime: new Date(Date.now() - HOUR) } })).toBe(0);
    expect(await count({ filter: { ...none, fromTime: new Date(Date.now() - HOUR) } })).toBe(4);

    await retryParked(deps, parked({ messageIds: [`${second}-2`, "unknown"] }), CONTEXT);
    expect((await rows()).filter(({ state }) => state === "RETRYING").map(({ message_id }) => message_id)).toEqual([
      `${second}-2`,
    ]);
  });

  test("a call ends before its caller's deadline", async () => {
    const { name, deps, parked } = useAction();
    await commitChanges(4, [name]);
    await setRows(name, "PARKED");

    const { count, nextPageToken } = await retryParked(
      deps,
      parked(),
      { ...CONTEXT, deadline: new Date() },
      limits(100),
    );

    expect(count).toBe(2);
    expect(nextPageToken).not.toBe("");
  });

  test("an unknown Action is not found, and the known ones are named", async () => {
    const { name, deps, parked } = useAction();
    await expect(retryParked(deps, parked({ action: "no-such" }), CONTEXT)).rejects.toMatchObject({
      kind: "not-found",
      message: `action: unknown Action "no-such"; known are ${name}`,
    });
  });
});

describe("DiscardParked", () => {
  test("a discarded event stays in the ledger, and its outbox row is deleted when no Action needs it", async () => {
    const { name, deps, parked, rows } = useAction();
    const other = useAction();
    const [mine, shared] = [await commitChanges(1, [name]), await commitChanges(1, [name, other.name])];
    await setRows(name, "PARKED");
    await setRows(other.name, "PARKED");
    await db.updateTable("oms_db.oms_outbox").set({ published: 1 }).where("order_id", "in", [mine, shared]).execute();

    expect(await discardParked(deps, parked({ messageIds: [`${mine}-1`, `${shared}-1`] }), CONTEXT)).toMatchObject({
      count: 2,
    });

    expect((await rows()).map(({ state }) => state)).toEqual(["DISCARDED", "DISCARDED"]);
    expect((await rows()).every(({ finish_time }) => finish_time !== null)).toBe(true);
    expect(await rowsOf(db, "oms_db.oms_outbox", mine)).toEqual([]);
    expect(await rowsOf(db, "oms_db.oms_outbox", shared)).toHaveLength(1);
  });
});

describe("Replay", () => {
  test("a new Action alone gets undelivered changes of orders, once", async () => {
    const { deps, replayed, rows, published, interventions } = useAction("effect", (event) =>
      [Status.PAID, Status.HANDED_OVER].some((status) => event.type === "status-changed" && event.toStatus === status),
    );
    const orderId = await commitChanges(5, []);
    await deleteEvents(orderId);
    await setAge(orderId, 2 * HOUR);
    const input = replayed({ orderIds: [orderId, 1n] });

    expect(await replay(deps, { ...input, validateOnly: true }, CONTEXT)).toEqual({ count: 2, nextPageToken: "" });
    expect(await rows()).toEqual([]);
    expect(await replay(deps, input, CONTEXT)).toEqual({ count: 2, nextPageToken: "" });
    expect(await replay(deps, input, CONTEXT)).toEqual({ count: 0, nextPageToken: "" });

    expect((await rows()).map(({ message_id, state }) => [message_id, state])).toEqual([
      [`${orderId}-1`, "PENDING"],
      [`${orderId}-5`, "PENDING"],
    ]);
    expect(published).toEqual([]);
    const outbox = await rowsOf(db, "oms_db.oms_outbox", orderId);
    expect(outbox.map((row) => [row.message_id, row.published])).toEqual([
      [`${orderId}-1`, 1],
      [`${orderId}-5`, 1],
    ]);
    expect(await interventions()).toMatchObject([
      { kind: "REPLAY", selection: `the events of orders ${orderId}, 1`, affected: 2, ...WHO },
    ]);
  });

  test("a change that the broker may not have is published like any other", async () => {
    const { deps, replayed, published } = useAction();
    const orderId = await commitChanges(1, []);

    expect(await replay(deps, replayed({ orderIds: [orderId] }), CONTEXT)).toMatchObject({ count: 1 });

    expect(published.map(({ event }) => event.messageId)).toEqual([`${orderId}-1`]);
  });

  test("waiting entries are due now, parked and discarded ones are retried, done ones stay done", async () => {
    const { name, deps, replayed, rows } = useAction();
    const states = ["PENDING", "RETRYING", "PARKED", "DISCARDED", "DONE"] as const;
    const orderIds: bigint[] = [];
    for (const state of states) {
      const orderId = await commitChanges(1, [name]);
      orderIds.push(orderId);
      if (state !== "PENDING") {
        await setRows(name, state, { order_id: orderId });
      }
    }
    const running = await commitChanges(1, [name]);
    await db
      .updateTable("oms_db.oms_action_ledger")
      .set({ attempts_started: 1, next_attempt_time: new Date(Date.now() + HOUR) })
      .where("order_id", "=", running)
      .execute();

    const answer = await replay(deps, replayed({ orderIds: [...orderIds, running] }), CONTEXT);

    expect(answer).toEqual({ count: 4, nextPageToken: "" });
    expect((await rows()).map(({ state }) => state)).toEqual([
      "PENDING",
      "RETRYING",
      "RETRYING",
      "RETRYING",
      "DONE",
      "PENDING",
    ]);
    const due = (await rows()).filter(
      ({ next_attempt_time: time }) => time !== null && time.getTime() <= Date.now() + 60_000,
    );
    expect(due.map(({ order_id }) => order_id)).toEqual(orderIds.slice(0, 4));
  });

  test("a discarded event is restored from the history", async () => {
    const { name, deps, parked, replayed, rows } = useAction();
    const orderId = await commitChanges(1, [name]);
    await setRows(name, "PARKED");
    await db.updateTable("oms_db.oms_outbox").set({ published: 1 }).where("order_id", "=", orderId).execute();
    await discardParked(deps, parked({ messageIds: [`${orderId}-1`] }), CONTEXT);
    expect(await rowsOf(db, "oms_db.oms_outbox", orderId)).toEqual([]);

    expect(await replay(deps, replayed({ orderIds: [orderId] }), CONTEXT)).toMatchObject({ count: 1 });

    const [outbox] = await rowsOf(db, "oms_db.oms_outbox", orderId);
    expect(outbox).toMatchObject({ message_id: `${orderId}-1`, published: 1 });
    expect(await rows()).toMatchObject([{ state: "RETRYING", outbox_id: outbox?.id }]);
  });

  test("a period, batch by batch", async () => {
    const { name, deps, replayed, rows, interventions } = useAction();
    const before = await commitChanges(1, [name]);
    const fromTime = await nextMoment();
    await commitChanges(5, [name]);
    await setRows(name, "PARKED");
    await commitChanges(2, [name]);
    await commitChanges(5, []);
    const toTime = await nextMoment();
    const after = await commitChanges(1, []);
    const period = { fromTime, toTime };
    const input = replayed({ period });
    const all = async (validateOnly: boolean) => {
      let count = 0;
      let pageToken = "";
      do {
        const answer = await replay(deps, { ...input, validateOnly, pageToken }, CONTEXT, limits(3));
        expect(answer.count).toBeLessThanOrEqual(3);
        count += answer.count;
        pageToken = answer.nextPageToken;
      } while (pageToken !== "");
      return count;
    };

    expect(await all(true)).toBe(12);
    expect(await all(false)).toBe(12);
    expect(await all(false)).toBe(0);

    const untouched = (await rows()).filter(({ order_id }) => order_id === before || order_id === after);
    expect(untouched).toMatchObject([{ order_id: before, state: "PARKED" }]);
    const notes = await interventions();
    expect(notes.reduce((sum, { affected }) => sum + affected, 0)).toBe(12);
    expect(notes[0]?.selection).toBe(
      `committed at ${period.fromTime.toISOString()} or later, committed before ${period.toTime.toISOString()}`,
    );
  });

  test("concurrent operators give an Action each event once", async () => {
    const { deps, replayed, rows } = useAction();
    const orderIds = [await commitChanges(5, []), await commitChanges(5, [])];

    const answers = await Promise.all(
      ["li", "wang", "zhao"].map((operator) => replay(deps, replayed({ orderIds, operator }), CONTEXT)),
    );

    expect(answers.reduce((sum, { count }) => sum + count, 0)).toBe(10);
    expect(await rows()).toHaveLength(10);
    const outbox = (await Promise.all(orderIds.map((id) => rowsOf(db, "oms_db.oms_outbox", id)))).flat();
    // One written by the commit, and one for the Action.
    expect(outbox).toHaveLength(20);
  });

  test("a step is redelivered only for its order's last change; a timer is neither redelivered nor made due", async () => {
    const step = useAction("step");
    const orderId = await commitChanges(3, []);
    expect(await replay(step.deps, step.replayed({ orderIds: [orderId] }), CONTEXT)).toMatchObject({ count: 1 });
    expect(await step.rows()).toMatchObject([{ message_id: `${orderId}-3` }]);

    const timer = useAction("timer");
    const timed = await commitChanges(1, [timer.name]);
    const untimed = await commitChanges(1, []);
    expect(await replay(timer.deps, timer.replayed({ orderIds: [timed, untimed] }), CONTEXT)).toMatchObject({
      count: 0,
    });
    await setRows(timer.name, "PARKED");
    expect(await replay(timer.deps, timer.replayed({ orderIds: [timed] }), CONTEXT)).toMatchObject({ count: 1 });
  });

  test("a token of another replay is invalid", async () => {
    const { deps, replayed } = useAction();
    for (const pageToken of ["x", "orders::x", "history:1:", "orders:99999999999999999999:"]) {
      await expect(replay(deps, replayed({ orderIds: [1n], pageToken }), CONTEXT)).rejects.toMatchObject({
        kind: "invalid",
        fieldViolations: [{ field: "page_token" }],
      });
    }
  });
});

test("a step's retry is recorded with its operator, also for a discarded step without event", async () => {
  const { deps } = useAction();
  const orderId = await commitChanges(1, ["approve"]);
  await setRows("approve", "DISCARDED");
  await db.deleteFrom("oms_db.oms_outbox").where("order_id", "=", orderId).execute();

  await retryStep(deps, {
    orderId,
    step: "approve",
    caller: "console",
    operator: "li",
    authenticatedOperator: "li.wei",
  });

  expect(await rowsOf(db, "oms_db.oms_action_ledger", orderId)).toMatchObject([
    { state: "RETRYING", forgiven_attempts: 12 },
  ]);
  expect(await rowsOf(db, "oms_db.oms_outbox", orderId)).toHaveLength(1);
  const [note] = (
    await db.selectFrom("oms_db.oms_intervention").selectAll().where("action", "=", "approve").execute()
  ).toReversed();
  expect(note).toMatchObject({
    kind: "RETRY",
    selection: `order ${orderId}, by RetryOrderFlow`,
    affected: 1,
    caller: "console",
    operator: "li",
  });
});

test("ListActions counts waiting, running and parked entries", async () => {
  const { name, deps } = useAction();
  const first = await commitChanges(2, [name]);
  await setRows(name, "PARKED");
  const waiting = await commitChanges(3, [name]);
  await setAge(waiting, HOUR);
  const running = await commitChanges(1, [name]);
  const lost = await commitChanges(1, [name]);
  for (const [orderId, lease] of [
    [running, 30_000],
    [lost, -1],
  ] as const) {
    await db
      .updateTable("oms_db.oms_action_ledger")
      .set({ attempts_started: 1, next_attempt_time: new Date(Date.now() + lease) })
      .where("order_id", "=", orderId)
      .execute();
  }

  const [status] = await listActions(deps);

  expect(status?.open).toMatchObject({ waiting: 4, inFlight: 1, parked: 2 });
  expect(Math.abs(ago(status?.open.waitingSince ?? null) - HOUR)).toBeLessThan(60_000);
  expect(
    (await listParked(deps, { action: name, filter: undefined, pageSize: 1, pageToken: "" })).entries,
  ).toMatchObject([{ messageId: `${first}-1`, state: "PARKED", attempts: 12 }]);
});

test("ListParked continues page by page, also with a filter that excludes most entries", async () => {
  const { name, deps } = useAction();
  const plain = await commitChanges(5, [name]);
  const broken = await commitChanges(3, [name]);
  await setRows(name, "PARKED", { order_id: plain, last_error: "answered 500" });
  await setRows(name, "PARKED", { order_id: broken, last_error: "BROKEN pipe" });
  const filter = { errorContains: "broken", fromTime: undefined, toTime: undefined, firstOrderId: 0n, lastOrderId: 0n };
  for (const [wanted, expected] of [
    [undefined, 8],
    [filter, 3],
  ] as const) {
    const seen: string[] = [];
    let pageToken = "";
    do {
      const page = await listParked(deps, { action: name, filter: wanted, pageSize: 2, pageToken });
      expect(page.entries.length).toBeLessThanOrEqual(2);
      seen.push(...page.entries.map(({ messageId }) => messageId));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    expect(seen).toHaveLength(expected);
    expect(new Set(seen).size).toBe(expected);
  }
});

/** A time on the database's clock at which nothing was committed. */
async function nextMoment(): Promise<Date> {
  const time = new Date(db.clock.now().getTime() + 20);
  await eventually(() => expect(db.clock.now().getTime()).toBeGreaterThan(time.getTime() + 20));
  return time;
}

/** Deletes the order's events, as retention does. */
async function deleteEvents(orderId: bigint): Promise<void> {
  await db.deleteFrom("oms_db.oms_outbox").where("order_id", "=", orderId).execute();
}

/** Sets the age of the order's changes, in milliseconds. */
async function setAge(orderId: bigint, ms: number): Promise<void> {
  const time = new Date(Date.now() - ms);
  await db
    .updateTable("oms_db.oms_status_history")
    .set({ record_time: time })
    .where("order_id", "=", orderId)
    .execute();
  await db.updateTable("oms_db.oms_action_ledger").set({ first_time: time }).where("order_id", "=", orderId).execute();
}
