/**
 * The textbook outbox pattern: one transaction per call with the event in an outbox table; a relay
 * that polls it every 100 ms and publishes; each Action a durable consumer with a table of handled
 * messages and one transaction per message. Optimised as far as the design permits: grpc-js, two
 * round trips per transaction, pipelined publishing, concurrent Actions and messages.
 */

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { connectStream } from "../../src/messaging/nats/connection.ts";
import { createPublisher } from "../../src/messaging/nats/publisher.ts";
import { createLogger } from "../../src/observability/log.ts";
import { createMetrics } from "../../src/observability/metrics.ts";
import { readTables } from "../../src/store/commit/connector.ts";
import { openSession } from "../../src/store/commit/session.ts";
import { migrate } from "../../src/store/migrations/index.ts";
import { createEffects } from "./support/effects.ts";
import { serveGrpc, updateHandler } from "./support/grpc.ts";
import { startInbox } from "./support/inbox.ts";
import { changeWithOutbox, countOpenWork } from "./support/outbox-change.ts";
import { startPollingRelay } from "./support/polling-relay.ts";
import { announce, openBaselineDatabase, optionalNumber, readBaselineConfig } from "./support/process.ts";
import { openSessions } from "./support/sessions.ts";

/**
 * Database connections for calls and for Actions, the optimum at 256 callers: with another ratio
 * the Actions fall behind.
 */
const CALL_CONNECTIONS = optionalNumber("CONNECTIONS", 64);
const ACTION_CONNECTIONS = optionalNumber("ACTION_CONNECTIONS", 32);

const config = readBaselineConfig();
const log = createLogger("warn");
const db = openBaselineDatabase(config);
await migrate(db);
const relaySession = await openSession(db.location);
const tables = await readTables(relaySession, db.location);
const callSessions = await openSessions(db.location, CALL_CONNECTIONS);
const actionSessions = await openSessions(db.location, ACTION_CONNECTIONS);
const stream = connectStream({ url: config.natsUrl, log });
const publisher = createPublisher({ stream, log, metrics: createMetrics() });
await new Promise<void>((resolve) => stream.onConnect(() => resolve()));

const effects = createEffects({ db, publisher, log, config });
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

/** Serves the amount of open work over HTTP: `GET /open` answers `{"open": 12}`. */
async function serveOpenWork(count: () => Promise<number>): Promise<{ readonly port: number; close(): void }> {
  const server = createServer((_request, response) => {
    count().then(
      (open) => response.end(JSON.stringify({ open })),
      (error: unknown) => {
        response.statusCode = 500;
        response.end(String(error));
      },
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
