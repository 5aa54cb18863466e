import { sql } from "kysely";
import type { OrderEvent } from "../../../src/domain/events.ts";
import { createKeyedQueue } from "../../../src/lib/keyed-queue.ts";
import { decodeEvent } from "../../../src/messaging/nats/codec.ts";
import type { StreamConnection } from "../../../src/messaging/nats/connection.ts";
import { type Delivery, subscribe } from "../../../src/messaging/nats/subscriber.ts";
import { consumerName } from "../../../src/messaging/runner/consumers.ts";
import type { Logger } from "../../../src/observability/log.ts";
import type { OrderDatabase } from "../../../src/store/mysql/database.ts";
import { classifyFailure } from "../../../src/store/mysql/errors.ts";
import { literal } from "../../../src/store/mysql/literals.ts";
import { withRetries } from "../../../src/store/mysql/transaction.ts";
import type { Effect } from "./effects.ts";
import type { Sessions } from "./sessions.ts";

/** Concurrent messages of one Action. */
const CONCURRENCY = 64;

/** Acknowledgement timeout, in milliseconds. */
const ACK_WAIT_MS = 30_000;

const MAX_ACK_PENDING = 1_000;

/** Redelivery delay after a failure, in milliseconds. */
const REDELIVER_MS = 1_000;

/** Subscribes an Action: a durable consumer per subject, and a table of handled messages. */
export async function startInbox({
  effect,
  db,
  sessions,
  stream,
  log,
}: {
  readonly effect: Effect;
  readonly db: OrderDatabase;
  readonly sessions: Sessions;
  readonly stream: StreamConnection;
  readonly log: Logger;
}): Promise<{ stop(): Promise<void> }> {
  const handled = `${db.location.prefix}oms_db.handled_by_${effect.name.replaceAll("-", "_")}`;
  await sql
    .raw(
      `create table if not exists ${handled} (message_id varchar(128) character set ascii collate ascii_bin primary key, handled_time datetime(3) not null)`,
    )
    .execute(db);
  const queue = createKeyedQueue(CONCURRENCY);

  const handle = async (event: OrderEvent, delivery: Delivery) => {
    try {
      await withRetries(() => handleOnce(effect, event, handled, sessions));
      delivery.ack();
    } catch (error) {
      log.warn(
        { err: error, action: effect.name, messageId: event.messageId },
        "Action failed; message is redelivered",
      );
      delivery.nak(REDELIVER_MS);
    }
  };

  const onDelivery = (delivery: Delivery) => {
    const event = decodeEvent(delivery.subject, delivery.body);
    if (effect.matches(event)) {
      queue.add({ key: event.orderId, run: () => handle(event, delivery) });
    } else {
      delivery.ack();
    }
  };

  const subscriptions = effect.subjects.map((subject) =>
    subscribe({
      stream,
      log,
      consumer: {
        durable: consumerName(effect.name, subject),
        subject,
        ackWaitMs: ACK_WAIT_MS,
        maxAckPending: MAX_ACK_PENDING,
      },
      onDelivery: onDelivery,
    }),
  );
  return {
    async stop() {
      await Promise.all(subscriptions.map((subscription) => subscription.close()));
      queue.removePending();
      await queue.idle();
    },
  };
}

/**
 * One transaction that records the message as handled and runs the effect; one round trip for an
 * effect in the database.
 */
async function handleOnce(effect: Effect, event: OrderEvent, handled: string, sessions: Sessions): Promise<void> {
  const insertHandled = `insert into ${handled} values (${literal(event.messageId)}, ${literal(new Date())})`;
  try {
    await sessions.use(async (session) => {
      if ("statement" in effect) {
        await session.send([insertHandled, effect.statement(event), "commit"]);
      } else {
        await session.send([insertHandled]);
        await effect.send(event);
        await session.send(["commit"]);
      }
    });
  } catch (error) {
    if (classifyFailure(error) !== "duplicate-key") {
      throw error;
    }
  }
}
