import { expect, onTestFinished, test, vi } from "vitest";
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
import { useMariadb, useNats } from "../../support/servers.ts";
import { silentLog, useStream } from "../nats/support.ts";
import { commit } from "../relay/support.ts";

/** The ledger goes by the database's time, which is not this process's to the millisecond. */
const CLOCKS_APART_MS = 200;

const nats = useNats();
const location = useMariadb();

/** Runs one Action that answers as told, for events that come from the ledger alone. */
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
  const ends = (state: string) => vi.waitFor(async () => expect((await row()).state).toBe(state), { timeout: 20_000 });
  return { attempts, row, ends };
}

test("what waits is tried again as often as it takes, and is known to have left nothing behind", async () => {
  const wait: ActionResult = { kind: "wait", reason: "no stock" };
  const { attempts, row, ends } = await run([wait, wait, wait, wait], {}, 2);
  await ends("DONE");
  expect(attempts.map(({ number, mayHaveSideEffects }) => [number, mayHaveSideEffects])).toEqual(
    [1, 2, 3, 4, 5].map((number) => [number, false]),
  );
  expect(await row()).toMatchObject({ last_error: "no stock", clean_attempts: 4 });
});

test("after an answer that was lost it may have acted, until the neighbour says that it has not", async () => {
  const retry: ActionResult = { kind: "retry", reason: "no answer" };
  const { attempts, ends } = await run([retry, { kind: "wait", reason: "no stock" }]);
  await ends("DONE");
  expect(attempts.map(({ mayHaveSideEffects }) => mayHaveSideEffects)).toEqual([false, true, false]);
});

test("one that waits until a time is not tried before", async () => {
  const at = new Date(Date.now() + 700);
  const { attempts, row, ends } = await run([{ kind: "wait", reason: "not yet", at }]);
  await vi.waitFor(async () => expect((await row()).next_attempt_time).toEqual(at), { timeout: 20_000 });
  expect(attempts).toHaveLength(1);
  await ends("DONE");
  expect(Date.now()).toBeGreaterThan(at.getTime() - CLOCKS_APART_MS);
});

test("a timer goes off at its time, and not before", async () => {
  const due = new Date(Date.now() + 700);
  const { attempts, row, ends } = await run([], { due: () => due });
  expect(await row()).toMatchObject({ state: "PENDING", next_attempt_time: due });
  await ends("DONE");
  expect(Date.now()).toBeGreaterThan(due.getTime() - CLOCKS_APART_MS);
  expect(attempts).toHaveLength(1);
});

test("a patient one is not given up after too many failures, others are", async () => {
  const failures = (): ActionResult[] => Array.from({ length: 4 }, () => ({ kind: "retry", reason: "no answer" }));
  const patient = await run(failures(), { retryForever: true }, 2);
  await patient.ends("DONE");
  expect(patient.attempts).toHaveLength(5);
  const other = await run(failures(), {}, 2);
  await other.ends("PARKED");
});
