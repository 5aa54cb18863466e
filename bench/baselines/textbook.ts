/**
 * The textbook: one transaction for a call, with the event in an outbox table; a relay that polls it every 100 ms and publishes; each Action
 * a durable consumer with a table of what it has handled, and one transaction for each message. As good as that goes: grpc-js in place of a
 * framework, two round trips for a call's transaction, publishing pipelined, the Actions at once with each other and each many at a time.
 */

import { connectStream } from "../../src/messaging/nats/connection.ts";
import { createPublisher } from "../../src/messaging/nats/publisher.ts";
import { createLogger } from "../../src/observability/log.ts";
import { createMetrics } from "../../src/observability/metrics.ts";
import { readTables } from "../../src/store/commit/connector.ts";
import { openSession } from "../../src/store/commit/session.ts";
import { migrate } from "../../src/store/migrations/index.ts";
import { createEffects } from "./support/effects.ts";
import { openBaselineDatabase, optionalNumber, readBaselineConfig } from "./support/environment.ts";
import { serveGrpc } from "./support/grpc.ts";
import { startInbox } from "./support/inbox.ts";
import { serveOpenWork } from "./support/open-work.ts";
import { changeWithOutbox, countOpenWork } from "./support/outbox-change.ts";
import { startPollingRelay } from "./support/polling-relay.ts";
import { announce } from "./support/process.ts";
import { openSessions } from "./support/sessions.ts";
import { updateHandler } from "./support/update-handler.ts";

/**
 * Connections to the database, for calls and for Actions: measured best at 256 callers. More for the calls, or fewer for the Actions, and the
 * Actions fall behind.
 */
const CALL_CONNECTIONS = optionalNumber("CONNECTIONS", 64);
const ACTION_CONNECTIONS = optionalNumber("ACTION_CONNECTIONS", 32);

const place = readBaselineConfig();
const log = createLogger("warn");
const db = openBaselineDatabase(place);
await migrate(db);
const relaySession = await openSession(db.location);
const tables = await readTables(relaySession, db.location);
const callSessions = await openSessions(db.location, CALL_CONNECTIONS);
const actionSessions = await openSessions(db.location, ACTION_CONNECTIONS);
const stream = connectStream({ url: place.natsUrl, log });
const publisher = createPublisher({ stream, log, metrics: createMetrics() });
await new Promise<void>((resolve) => stream.onConnect(() => resolve()));

const effects = createEffects({ db, publisher, log, place });
const inboxes = await Promise.all(
  effects.map((effect) => startInbox({ effect, db, sessions: actionSessions, stream, log })),
);
const relay = startPollingRelay({ session: relaySession, outbox: tables.outbox, publisher });
const openWork = await serveOpenWork(() => countOpenWork(db, stream));
const server = await serveGrpc({ updateOrderStatus: updateHandler(changeWithOutbox(callSessions, tables)) });

announce({ port: server.port, httpPort: openWork.port }, async () => {
  await server.stop();
  await relay.stop();
  await Promise.all(inboxes.map((inbox) => inbox.stop()));
  openWork.close();
  publisher.close();
  await stream.close();
  relaySession.destroy();
  callSessions.close();
  actionSessions.close();
  await db.destroy();
});
