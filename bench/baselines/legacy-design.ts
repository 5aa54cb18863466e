/**
 * The old design, in Node: one transaction for a call (lock, check, status and history), one SETNX in Redis against a repeat, then what
 * follows the event, in line, before the caller has its answer. As good as that goes: grpc-js, two round trips for the transaction, SETNX beside
 * the first of them, everything that follows at once, over connections that stay open.
 */

import type { OrderEvent } from "../../src/domain/events.ts";
import type { ReportResult, StatusReport } from "../../src/domain/status-report.ts";
import { openRedis } from "../../src/integrations/redis.ts";
import { connectStream } from "../../src/messaging/nats/connection.ts";
import { createPublisher } from "../../src/messaging/nats/publisher.ts";
import { createLogger } from "../../src/observability/log.ts";
import { createMetrics } from "../../src/observability/metrics.ts";
import { readTables } from "../../src/store/commit/connector.ts";
import { openSession } from "../../src/store/commit/session.ts";
import { migrate } from "../../src/store/migrations/index.ts";
import { withRetries } from "../../src/store/mysql/transaction.ts";
import { createEffects } from "./support/effects.ts";
import { openBaselineDatabase, optionalNumber, readBaselineConfig } from "./support/environment.ts";
import { serveGrpc } from "./support/grpc.ts";
import { delayMail } from "./support/mail-delay.ts";
import { announce } from "./support/process.ts";
import { openSessions } from "./support/sessions.ts";
import { changeStatus } from "./support/status-change.ts";
import { updateHandler } from "./support/update-handler.ts";

/** Connections to the database: measured best at 64 and at 256 callers. */
const CONNECTIONS = optionalNumber("CONNECTIONS", 128);

/** How long a request id is remembered, in seconds. */
const REMEMBERED_S = 24 * 3_600;

const place = readBaselineConfig();
const mailMs = optionalNumber("MAIL_MS", 0);
const mail = [place.einvoiceUrl, place.messageUrl];
const log = createLogger("warn");
const db = openBaselineDatabase(place);
await migrate(db);
const first = await openSession(db.location);
const tables = await readTables(first, db.location);
first.destroy();
const sessions = await openSessions(db.location, CONNECTIONS);
const redis = openRedis({ url: place.redisUrl, log });
const stream = connectStream({ url: place.natsUrl, log });
const publisher = createPublisher({ stream, log, metrics: createMetrics() });
const effects = createEffects({ db, publisher, log, place });
await new Promise<void>((resolve) => stream.onConnect(() => resolve()));
await delayMail(mail, mailMs);

async function update(report: StatusReport): Promise<ReportResult> {
  const key = `${place.prefix}request:${report.requestId}`;
  const isNew =
    report.requestId === "" ? true : redis.set(key, 1, "EX", REMEMBERED_S, "NX").then((answer) => answer !== null);
  const { result, event } = await withRetries(() =>
    sessions.use((session) => changeStatus(session, tables, report, { precondition: isNew })),
  );
  if (result.kind !== "accepted") {
    await redis.del(key);
  }
  if (event !== undefined) {
    await follow(event);
  }
  return result;
}

/** All at once; what is in the database, in one commit. */
async function follow(event: OrderEvent): Promise<void> {
  const asking = effects.filter((effect) => effect.matches(event));
  const statements = asking.flatMap((effect) => ("statement" in effect ? [effect.statement(event)] : []));
  const sent = asking.flatMap((effect) => ("send" in effect ? [effect.send(event)] : []));
  const written =
    statements.length === 0 ? undefined : sessions.use((session) => session.send([...statements, "commit"]));
  await Promise.all([written, ...sent]);
}

const server = await serveGrpc({ updateOrderStatus: updateHandler(update) });
announce({ port: server.port }, async () => {
  await server.stop();
  await delayMail(mail, 0);
  publisher.close();
  await stream.close();
  redis.disconnect();
  sessions.close();
  await db.destroy();
});
