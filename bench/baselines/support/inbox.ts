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

/** Messages of one Action that are worked on at a time. */
const CONCURRENCY = 64;

/** As long as a message may wait its turn, in milliseconds. */
const ACK_WAIT_MS = 30_000;

const MAX_ACK_PENDING = 1_000;

/** When a message comes again whose Action failed, in milliseconds. */
const AGAIN_MS = 1_000;

/** Subscribes an Action: a durable consumer for each of its subjects, and a table of the messages that it is done with. */
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
  const lane = createKeyedQueue(CONCURRENCY);

  const work = async (event: OrderEvent, delivery: Delivery) => {
    try {
      await withRetries(() => handleOnce(effect, event, handled, sessions));
      delivery.ack();
    } catch (error) {
      log.warn({ err: error, action: effect.name, messageId: event.messageId }, "an Action failed; it is tried again");
      delivery.nak(AGAIN_MS);
    }
  };

  const take = (delivery: Delivery) => {
    const event = decodeEvent(delivery.subject, delivery.body);
    if (effect.matches(event)) {
      lane.add({ key: event.orderId, run: () => work(event, delivery) });
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
      onDelivery: take,
    }),
  );
  return {
    async stop() {
      await Promise.all(subscriptions.map((subscription) => subscription.close()));
      lane.removePending();
      await lane.idle();
    },
  };
}

/** One transaction: the message is noted as handled, and handled; in one round trip where its effect is in the database too. */
async function handleOnce(effect: Effect, event: OrderEvent, handled: string, sessions: Sessions): Promise<void> {
  const note = `insert into ${handled} values (${literal(event.messageId)}, ${literal(new Date())})`;
  try {
    await sessions.use(async (session) => {
      if ("statement" in effect) {
        await session.send([note, effect.statement(event), "commit"]);
      } else {
        await session.send([note]);
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
