import { afterAll, beforeAll, onTestFinished } from "vitest";
import type { OrderEvent } from "../../../src/domain/events.ts";
import { encodeEvent } from "../../../src/messaging/nats/codec.ts";
import { createPublisher } from "../../../src/messaging/nats/publisher.ts";
import { type Relay, type RelayOptions, startRelay } from "../../../src/messaging/relay/relay.ts";
import { createMetrics } from "../../../src/observability/metrics.ts";
import { migrate } from "../../../src/store/migrations/index.ts";
import { type OrderDatabase, openDatabase } from "../../../src/store/mysql/database.ts";
import type { CommittedEvent, EventDeps, OutboxRow } from "../../../src/store/outbox/outbox.ts";
import { openEventWriter } from "../../../tools/testkit/event-writer.ts";
import { useMariadb } from "../../support/servers.ts";
import { silentLog, useStream } from "../nats/support.ts";

/** A migrated database, by default on the server that all files share. */
export function useDatabase(
  location: { readonly url: string; readonly prefix?: string } = useMariadb(),
): () => OrderDatabase {
  let db: OrderDatabase | undefined;
  beforeAll(async () => {
    db = openDatabase(location);
    await migrate(db);
  });
  afterAll(() => db?.destroy());
  return () => db as OrderDatabase;
}

/** Commits events as a change does: to the outbox, and to the ledger of the Actions that match. */
export async function commit(
  db: OrderDatabase,
  events: readonly OrderEvent[],
  deps: Partial<Pick<EventDeps, "subscriptionsFor" | "ledgerWatchMs">> = {},
): Promise<readonly CommittedEvent[]> {
  const { subscriptionsFor = () => [], ledgerWatchMs = 30_000 } = deps;
  const writer = openEventWriter(db, { encode: encodeEvent, subscriptionsFor, ledgerWatchMs });
  return writer.commit(events).finally(() => writer.close());
}

export const rowsOf = (committed: readonly CommittedEvent[]): OutboxRow[] => committed.map(({ row }) => row);

/** The message ids in the outbox table, in the order of the row ids. */
export async function outboxIds(db: OrderDatabase): Promise<string[]> {
  const rows = await db.selectFrom("oms_db.oms_outbox").select("message_id").orderBy("id").execute();
  return rows.map(({ message_id }) => message_id);
}

/** The relay of a server, stopped after the test. */
export function useRelay(url: string, db: OrderDatabase, options: Partial<RelayOptions> = {}) {
  const stream = useStream(url);
  const metrics = createMetrics();
  const publisher = createPublisher({ stream, log: silentLog, metrics });
  const relay: Relay = startRelay({ db, publisher, stream, log: silentLog, metrics, sweepMs: 50, ...options });
  let stopped = false;
  const stop = async (limitMs = 5_000) => {
    if (!stopped) {
      stopped = true;
      await relay.stop(limitMs);
      publisher.close();
      await stream.close();
    }
  };
  onTestFinished(() => stop(0));
  const republished = async (reason: string) => {
    const { values } = await metrics.republished.get();
    return values.find(({ labels }) => labels.reason === reason)?.value ?? 0;
  };
  return { relay, stream, publisher, metrics, republished, stop };
}
