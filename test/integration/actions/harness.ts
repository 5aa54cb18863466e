import { expect, onTestFinished } from "vitest";
import { createClaims } from "../../../src/actions/effects/claims.ts";
import { bindHandlers, effects } from "../../../src/actions/registry.ts";
import type { OrderEvent } from "../../../src/domain/events.ts";
import { DEFAULT_ORDER_KINDS } from "../../../src/domain/order-kinds.ts";
import { createSystemClients } from "../../../src/integrations/clients.ts";
import { openRedis } from "../../../src/integrations/redis.ts";
import { type Action, subscriptionsFor } from "../../../src/messaging/runner/action.ts";
import { type RunnerOptions, startRunner } from "../../../src/messaging/runner/runner.ts";
import { createLedger } from "../../../src/store/ledger/index.ts";
import { eventually } from "../../support/eventually.ts";
import { type OwnServer, useNats, useRedis, useStubSystems } from "../../support/servers.ts";
import { silentLog } from "../nats/support.ts";
import { commit, rowsOf, useDatabase, useRelay } from "../relay/support.ts";

export interface ServerOptions extends Partial<Omit<RunnerOptions, "stream" | "ledger" | "log" | "metrics">> {
  readonly leaseMs?: number;
  readonly ledgerWatchMs?: number;
  readonly retentionMs?: number;
  readonly externalTimeoutMs?: number;
}

/**
 * Backends and stub systems, and the servers that a test starts. By default the database is the one
 * that all files share.
 */
export function useHarness(mariadb?: OwnServer) {
  const nats = useNats();
  const redis = useRedis();
  const stubSystems = useStubSystems();
  const database = mariadb === undefined ? useDatabase() : useDatabase(mariadb);

  /** A server with a relay and the effects; `change` stands for the committer. */
  const startServer = (options: ServerOptions = {}) => {
    const db = database();
    const {
      leaseMs = 2_000,
      ledgerWatchMs = 2_000,
      retentionMs = 60_000,
      externalTimeoutMs = 1_000,
      ...rest
    } = options;
    const { relay, stream, publisher, metrics, stop: stopRelay } = useRelay(nats.url, db, { retentionMs });
    const connection = openRedis({ url: redis.url, log: silentLog });
    const systems = createSystemClients({
      urls: stubSystems.urls,
      timeoutMs: externalTimeoutMs,
      log: silentLog,
    });
    const claims = createClaims(connection, { leaseMs });
    const definitions = effects({ kinds: DEFAULT_ORDER_KINDS });
    const all = bindHandlers(definitions, { db, publisher, claims, systems: systems.clients });
    const actions: readonly Action[] = options.actions ?? all;
    const ledger = createLedger({ db, leaseMs });
    const running = startRunner({
      stream,
      ledger,
      log: silentLog,
      metrics,
      pollMs: 20,
      backOff: { baseMs: 20, capMs: 200 },
      // No event is parked while a backend is down, however long its restart takes.
      maxAttempts: 1_000,
      attemptTimeoutMs: leaseMs * 0.6,
      ...rest,
      actions,
    });
    let stopped = false;
    const stop = async (limitMs = 3_000) => {
      if (!stopped) {
        stopped = true;
        await running.stop(limitMs);
        await ledger.close();
        await stopRelay();
        connection.disconnect();
        systems.close();
      }
    };
    onTestFinished(() => stop(0));
    return {
      relay,
      stream,
      metrics,
      ledger,
      actions,
      stop,
      /** Commits events with their ledger entries, and passes them to the relay. */
      async change(...events: OrderEvent[]): Promise<void> {
        relay.enqueue(rowsOf(await commit(db, events, { subscriptionsFor: subscriptionsFor(actions), ledgerWatchMs })));
      },
    };
  };

  /** The ledger as "<message id> <action>: <state>". */
  const ledger = async (orderId?: bigint): Promise<string[]> => {
    let query = database()
      .selectFrom("oms_db.oms_action_ledger")
      .select(["message_id", "action", "state"])
      .orderBy("id");
    if (orderId !== undefined) {
      query = query.where("order_id", "=", orderId);
    }
    const rows = await query.execute();
    return rows.map(({ message_id, action, state }) => `${message_id} ${action}: ${state}`);
  };

  return {
    nats,
    redis,
    stubSystems,
    database,
    startServer,
    ledger,
    /** Waits until every ledger entry is DONE. */
    async allDone(): Promise<void> {
      await eventually(async () => expect((await ledger()).filter((row) => !row.endsWith("DONE"))).toEqual([]));
    },
    eventually,
    /** Empties tables and broker, and resets the stub systems. */
    async reset(): Promise<void> {
      await nats.wipe();
      await redis.wipe();
      await stubSystems.reset();
      const db = database();
      await db.deleteFrom("oms_db.oms_outbox").execute();
      await db.deleteFrom("oms_db.oms_action_ledger").execute();
      await db.deleteFrom("oms_db.oms_order_status_rule").execute();
      await db.deleteFrom("wmsindb.oms_gift_cust_record").execute();
    },
    /** The requests that a system carried out, as "<key> <arrivals>". */
    async arrivals(system: string): Promise<string[]> {
      const { received } = await stubSystems.received({ system, limit: 10_000 });
      return received
        .filter(({ done }) => done)
        .map(({ key, arrivals }) => `${key} ${arrivals}`)
        .toSorted();
    },
  };
}
