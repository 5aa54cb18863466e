import { beforeEach, expect, test } from "vitest";
import { Status } from "../../../src/domain/state-machine.ts";
import { createLedger } from "../../../src/store/ledger/index.ts";
import { statusChanged } from "../../support/events.ts";
import { useClient } from "../nats/support.ts";
import { useHarness } from "./harness.ts";

const harness = useHarness();

beforeEach(harness.reset);

const shipped = (orderId: bigint, version = 1) => statusChanged({ orderId, toStatus: Status.HANDED_OVER, version });
const delivered = (orderId: bigint, version = 1, kind = {}) =>
  statusChanged({ orderId, toStatus: Status.DELIVERED, version, ...kind });
const recharge = { orderType: 31 };

/** The ledger entry of an Action for an event. */
function row(messageId: string, action: string) {
  return harness
    .database()
    .selectFrom("oms_db.oms_action_ledger")
    .select(["state", "attempts_started", "attempts_finished", "last_error", "next_attempt_time"])
    .where("message_id", "=", messageId)
    .where("action", "=", action)
    .executeTakeFirst();
}

test("a failing effect is retried until it succeeds, and the order's later events wait for it", async () => {
  await harness.stubSystems.control({ system: "message", mode: "fail", times: 3, orderIds: ["1"] });
  // Three back-offs are longer than the other order takes.
  const server = harness.startServer({ backOff: { baseMs: 1_000, capMs: 1_000 } });
  await server.change(shipped(1n, 1), delivered(1n, 2), shipped(2n, 1));
  await harness.allDone();
  expect(await row("1-1", "customer-message")).toMatchObject({
    state: "DONE",
    attempts_started: 4,
    attempts_finished: 4,
  });
  const { received } = await harness.stubSystems.received({ system: "message" });
  expect(Object.fromEntries(received.map(({ key, arrivals }) => [key, arrivals]))).toEqual({
    "1-1": 4,
    "1-2": 1,
    "2-1": 1,
  });
  const doneAt = Object.fromEntries(received.map(({ key, doneTime }) => [key, String(doneTime)]));
  expect(String(doneAt["1-1"]) <= String(doneAt["1-2"])).toBe(true);
  expect(String(doneAt["2-1"]) <= String(doneAt["1-1"])).toBe(true);
});

test("an effect that fails too often is parked; the order's later events continue", async () => {
  await harness.stubSystems.control({
    system: "message",
    mode: "fail",
    orderIds: ["1"],
    times: 3,
    reason: "no credit",
  });
  const server = harness.startServer({ maxAttempts: 3 });
  await server.change(shipped(1n, 1), delivered(1n, 2));
  await harness.eventually(async () => {
    expect((await row("1-2", "customer-message"))?.state).toBe("DONE");
  });
  expect(await row("1-1", "customer-message")).toEqual({
    state: "PARKED",
    attempts_started: 3,
    attempts_finished: 3,
    last_error: "customer messages answered 500: no credit",
    next_attempt_time: null,
  });
});

test("a permanent refusal is parked at once", async () => {
  await harness.stubSystems.control({ system: "finance", mode: "refuse", reason: "unknown order" });
  const server = harness.startServer();
  await server.change(delivered(1n, 1, { orderType: 21 }));
  await harness.eventually(async () => {
    expect(await row("1-1", "finance-push")).toMatchObject({
      state: "PARKED",
      attempts_started: 1,
      last_error: "finance answered 422: unknown order",
    });
  });
  await harness.eventually(async () => {
    const { values } = await server.metrics.actionAttempts.get();
    expect(values).toContainEqual({ labels: { action: "finance-push", result: "parked" }, value: 1 });
  });
  // A server that starts later counts it as well.
  const later = harness.startServer();
  await harness.eventually(async () => {
    const { values } = await later.metrics.actionOpen.get();
    expect(values).toContainEqual({ labels: { action: "finance-push", state: "parked" }, value: 1 });
  });
});

test("an Action that hangs delays no other Action, and no other order", async () => {
  await harness.stubSystems.control({ system: "einvoice", mode: "hang" });
  await harness.stubSystems.control({ system: "message", mode: "hang", orderIds: ["1", "2", "3"] });
  const server = harness.startServer({ concurrency: 8, leaseMs: 60_000, externalTimeoutMs: 30_000 });
  const orders = Array.from({ length: 60 }, (_, index) => BigInt(index + 1));
  await server.change(...orders.map((orderId) => delivered(orderId, 1, recharge)));
  await harness.eventually(async () => {
    const open = (await harness.ledger()).filter((line) => !line.endsWith("DONE"));
    const others = open.filter((line) => !line.includes("e-invoice"));
    expect(others.toSorted()).toEqual([1, 2, 3].map((order) => `${order}-1 customer-message: PENDING`));
    expect(open).toHaveLength(63);
  });
  await server.stop(0);
});

test("a request without an answer in time is retried with the same key", async () => {
  await harness.stubSystems.control({ system: "einvoice", mode: "hang", times: 1 });
  await harness.stubSystems.control({ system: "message", mode: "lose", times: 2 });
  const server = harness.startServer({ externalTimeoutMs: 1_000 });
  await server.change(delivered(1n, 1, recharge));
  await harness.allDone();
  expect(await row("1-1", "e-invoice")).toMatchObject({ last_error: "e-invoice mail: no answer within 1000 ms" });
  // The answers were lost: it arrived several times, and was carried out once.
  const { totals } = await harness.stubSystems.received({ system: "message" });
  expect(totals.message).toMatchObject({ keys: 1, done: 1, repeats: 2 });
});

test("an attempt that exceeds its time limit is aborted", async () => {
  let calls = 0;
  const slow = {
    name: "slow",
    subjects: ["oms.v1.order.status.6010"],
    matches: () => true,
    run: async () => {
      calls += 1;
      return calls === 1 ? new Promise<never>(() => {}) : ({ kind: "done" } as const);
    },
  };
  const server = harness.startServer({ actions: [slow], attemptTimeoutMs: 500 });
  await server.change(delivered(1n));
  await harness.allDone();
  expect(await row("1-1", "slow")).toMatchObject({ attempts_started: 2, last_error: "not finished within 500 ms" });
});

test("an exception in an Action is a failed attempt", async () => {
  const broken = {
    name: "broken",
    subjects: ["oms.v1.order.status.6010"],
    matches: () => true,
    run: async () => {
      throw new TypeError("undefined is not a function");
    },
  };
  const server = harness.startServer({ actions: [broken], maxAttempts: 2 });
  await server.change(delivered(1n));
  await harness.eventually(async () => {
    expect(await row("1-1", "broken")).toMatchObject({
      state: "PARKED",
      attempts_started: 2,
      last_error: "undefined is not a function",
    });
  });
});

test("an event whose attempts never end is parked", async () => {
  const actions = fromTheLedgerOnly();
  const committing = harness.startServer({ actions, ledgerWatchMs: 60_000 });
  await committing.change(delivered(1n));
  await committing.stop();
  // Workers that start and never finish.
  const dying = createLedger({ db: harness.database(), leaseMs: 50 });
  const nextDeath = async (time: number) => {
    const { entries } = await dying.claimDue({ limits: new Map([["tester", 1]]), suspectLimits: [] });
    expect(entries).toMatchObject([{ entry: { messageId: "1-1", attempt: time } }]);
  };
  expect((await dying.claim("1-1", "tester")).kind).toBe("run");
  for (let time = 2; time <= 6; time += 1) {
    await harness.eventually(() => nextDeath(time));
  }
  await dying.close();
  harness.startServer({ actions });
  await harness.eventually(async () => {
    expect(await row("1-1", "tester")).toMatchObject({
      state: "PARKED",
      attempts_started: 6,
      attempts_finished: 0,
      last_error: "started 6 times and never finished",
    });
  });
});

/** An Action that matches every event, and receives none from the stream. */
function fromTheLedgerOnly() {
  return [
    {
      name: "tester",
      subjects: ["oms.v1.nothing"],
      matches: () => true,
      run: async () => ({ kind: "done" }) as const,
    },
  ];
}

test("an undecodable message is dropped and counted, and delays nothing", async () => {
  const server = harness.startServer();
  await harness.eventually(() => expect(server.stream.client()).toBeDefined());
  const client = await useClient(harness.nats.url);
  await client.jetstream().publish("oms.v1.order.status.6010", "nonsense");
  await server.change(delivered(1n));
  await harness.allDone();
  await harness.eventually(async () => {
    const { values } = await server.metrics.actionAttempts.get();
    const dropped = values.filter(({ labels }) => labels.result === "undecodable").map(({ labels }) => labels.action);
    expect(dropped.toSorted()).toEqual(server.actions.map(({ name }) => name).toSorted());
  });
});

test("an undecodable outbox row is parked", async () => {
  const server = harness.startServer({ ledgerWatchMs: 50, actions: fromTheLedgerOnly() });
  const db = harness.database();
  await db
    .insertInto("oms_db.oms_outbox")
    .values({
      message_id: "1-1",
      order_id: 1n,
      subject: "oms.v1.order.status.6010",
      event_type: "x",
      body: Buffer.from("nonsense"),
      record_time: new Date(),
      traceparent: "",
    })
    .execute();
  const { id } = await db.selectFrom("oms_db.oms_outbox").select("id").executeTakeFirstOrThrow();
  await db
    .insertInto("oms_db.oms_action_ledger")
    .values({
      message_id: "1-1",
      action: "tester",
      order_id: 1n,
      outbox_id: id,
      state: "PENDING",
      next_attempt_time: new Date(),
      first_time: new Date(),
    })
    .execute();
  await harness.eventually(async () => {
    expect(await row("1-1", "tester")).toMatchObject({
      state: "PARKED",
      last_error: expect.stringContaining("the body is not"),
    });
  });
  await server.stop();
});
