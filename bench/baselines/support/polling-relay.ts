import { setTimeout as delay } from "node:timers/promises";
import type { Publisher } from "../../../src/messaging/nats/publisher.ts";
import type { Session } from "../../../src/store/commit/session.ts";
import { rowsOf } from "../../../src/store/commit/session.ts";
import { type OutboxRow, toOutboxRow } from "../../../src/store/outbox/outbox.ts";

/** Poll interval of the outbox, in milliseconds. */
const POLL_MS = 100;

/** Rows per poll. */
const BATCH = 1_000;

/**
 * Publishes an outbox table: reads the oldest rows, publishes them and deletes them after the
 * acknowledgements. Polls again at once after a full batch.
 */
export function startPollingRelay({
  session,
  outbox,
  publisher,
}: {
  readonly session: Session;
  /** Name of the table. */
  readonly outbox: string;
  readonly publisher: Publisher;
}): { stop(): Promise<void> } {
  const stopping = new AbortController();

  const relayOnce = async (): Promise<number> => {
    const rows = await readOldest(session, outbox);
    if (rows.length > 0) {
      await Promise.all(rows.map((row) => publisher.publishOnce(row)));
      await session.send([`delete from ${outbox} where id in (${rows.map(({ id }) => id).join(",")})`]);
    }
    return rows.length;
  };

  const run = async () => {
    while (!stopping.signal.aborted) {
      if ((await relayOnce()) < BATCH) {
        await delay(POLL_MS, undefined, { signal: stopping.signal }).catch(() => {});
      }
    }
  };

  const running = run();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

async function readOldest(session: Session, outbox: string): Promise<OutboxRow[]> {
  const [rows] = await session.send([
    "select id, message_id, order_id, subject, event_type, body, record_time, traceparent" +
      ` from ${outbox} order by id limit ${BATCH}`,
  ]);
  return rowsOf<Parameters<typeof toOutboxRow>[0]>(rows).map((row) =>
    toOutboxRow({ ...row, id: BigInt(row.id), order_id: BigInt(row.order_id) }),
  );
}
