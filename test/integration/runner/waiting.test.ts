import { expect, onTestFinished, test } from "vitest";
import type { OrderEvent } from "../../../src/domain/events.ts";
import {
  type Action,
  type ActionResult,
  type Attempt,
  subscriptionsFor,
} from "../../../src/messaging/runner/action.ts";
import { startRunner } from "../../../src/messaging/runner/runner.ts";
import { createMetrics } from "../../../src/observability/metrics.ts";
import { createLedger } from "../../../src/store/ledger/index.ts";
import { migrate } from "../../../src/store/migrations/index.ts";
import { openDatabase } from "../../../src/store/mysql/database.ts";
import { statusChanged } from "../../support/events.ts";
import { eventually } from "../../support/eventually.ts";
import { useMariadb, useNats } from "../../support/servers.ts";
import { silentLog, useStream } from "../nats/support.ts";
import { commit } from "../relay/support.ts";

/** How far a due time lies in the future, in milliseconds: beyond what its commit takes. */
const DUE_MS = 3_000;

/** Difference between the database's clock, which the ledger uses, and this process's. */
const CLOCK_SKEW_MS = 200;

const nats = useNats();
const location = useMariadb();

/** Runs one Action with these results, for an event from the ledger alone. */
async function run(results: ActionResult[], more: Partial<Action> = {}, maxAttempts = 12) {
  const db = openDatabase(location);
  await migrate(db);
  const attempts: Attempt[] = [];
  const action: Action = {
    name: `tester-${Math.random()}`,
    subjects: [],
    matches: () => true,
    async run(_event, attempt) {
      attempts.push(attempt);
      return results.shift() ?? { kind: "done" };
    },
    ...more,
  };
  const running = startRunner({
    actions: [action],
    stream: useStream(nats.url),
    ledger: createLedger({ db, leaseMs: 5_000 }),
    log: silentLog,
    metrics: createMetrics(),
    pollMs: 20,
    backOff: { baseMs: 10, capMs: 20 },
    maxAttempts,
  });
  onTestFinished(async () => {
    await running.stop(100);
    await db.destroy();
  });
  const event: OrderEvent = statusChanged({ orderId: BigInt(Math.floor(Math.random() * 1e9)), toStatus: 1020 });
  await commit(db, [event], { subscriptionsFor: subscriptionsFor([action]), ledgerWatchMs: 0 });
  const row = () =>
    db.selectFrom("oms_db.oms_action_ledger").selectAll().where("action", "=", action.name).executeTakeFirstOrThrow();
  const ends = (state: string) => eventually(async () => expect((await row()).state).toBe(state));
  return { attempts, row, ends };
}

test("a waiting Action is repeated without limit, and is known to have no side effects", async () => {
  const wait: ActionResult = { kind: "wait", reason: "no stock" };
  const { attempts, row, ends } = await run([wait, wait, wait, wait], {}, 2);
  await ends("DONE");
  expect(attempts.map(({ number, mayHaveSideEffects }) => [number, mayHaveSideEffects])).toEqual(
    [1, 2, 3, 4, 5].map((number) => [number, false]),
  );
  expect(await row()).toMatchObject({ last_error: "no stock", clean_attempts: 4 });
});

test("after a lost answer an attempt may have side effects, until the external system denies them", async () => {
  const retry: ActionResult = { kind: "retry", reason: "no answer" };
  const { attempts, ends } = await run([retry, { kind: "wait", reason: "no stock" }]);
  await ends("DONE");
  expect(attempts.map(({ mayHaveSideEffects }) => mayHaveSideEffects)).toEqual([false, true, false]);
});

test("a wait for another Action keeps what an earlier attempt may have done", async () => {
  const retry: ActionResult = { kind: "retry", reason: "no answer" };
  const wait: ActionResult = { kind: "wait", reason: "waits for dispatch: it ends first", mayHaveSideEffects: true };
  const { attempts, ends } = await run([retry, wait]);
  await ends("DONE");
  expect(attempts.map(({ mayHaveSideEffects }) => mayHaveSideEffects)).toEqual([false, true, true]);
});

test("an Action that waits until a time is not repeated before", async () => {
  const at = new Date(Date.now() + DUE_MS);
  const { attempts, row, ends } = await run([{ kind: "wait", reason: "not yet", at }]);
  await eventually(async () => expect((await row()).next_attempt_time).toEqual(at));
  expect(attempts).toHaveLength(1);
  await ends("DONE");
  expect(Date.now()).toBeGreaterThan(at.getTime() - CLOCK_SKEW_MS);
});

test("a timer runs at its time, and not before", async () => {
  const due = new Date(Date.now() + DUE_MS);
  const { attempts, row, ends } = await run([], { due: () => due });
  expect(await row()).toMatchObject({ state: "PENDING", next_attempt_time: due });
  await ends("DONE");
  expect(Date.now()).toBeGreaterThan(due.getTime() - CLOCK_SKEW_MS);
  expect(attempts).toHaveLength(1);
});

test("an Action that retries forever is not parked after too many failures, others are", async () => {
  const failures = (): ActionResult[] => Array.from({ length: 4 }, () => ({ kind: "retry", reason: "no answer" }));
  const forever = await run(failures(), { retryForever: true }, 2);
  await forever.ends("DONE");
  expect(forever.attempts).toHaveLength(5);
  const other = await run(failures(), {}, 2);
  await other.ends("PARKED");
});
