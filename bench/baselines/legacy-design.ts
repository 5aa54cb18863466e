/**
 * The legacy design on Node: one transaction per call (lock, check, status and history), one SETNX
 * in Redis against repetitions, then the Actions inline, before the answer. Optimised as far as the
 * design permits: grpc-js, two round trips per transaction, SETNX concurrent with the first,
 * concurrent Actions, persistent connections.
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
import { serveGrpc, updateHandler } from "./support/grpc.ts";
import { announce, openBaselineDatabase, optionalNumber, readBaselineConfig } from "./support/process.ts";
import { openSessions } from "./support/sessions.ts";
import { changeStatus } from "./support/status-change.ts";

/** Database connections; the optimum at 64 and at 256 callers. */
const CONNECTIONS = optionalNumber("CONNECTIONS", 128);

/** Expiry of a request id, in seconds. */
const EXPIRY_S = 24 * 3_600;

const config = readBaselineConfig();
const mailMs = optionalNumber("MAIL_MS", 0);
const mail = [config.einvoiceUrl, config.messageUrl];
const log = createLogger("warn");
const db = openBaselineDatabase(config);
await migrate(db);
const first = await openSession(db.location);
const tables = await readTables(first, db.location);
first.destroy();
const sessions = await openSessions(db.location, CONNECTIONS);
const redis = openRedis({ url: config.redisUrl, log });
const stream = connectStream({ url: config.natsUrl, log });
const publisher = createPublisher({ stream, log, metrics: createMetrics() });
const effects = createEffects({ db, publisher, log, config });
await new Promise<void>((resolve) => stream.onConnect(() => resolve()));
await delayMail(mail, mailMs);

async function update(report: StatusReport): Promise<ReportResult> {
  const key = `${config.prefix}request:${report.requestId}`;
  const isNew =
    report.requestId === "" ? true : redis.set(key, 1, "EX", EXPIRY_S, "NX").then((answer) => answer !== null);
  const { result, event } = await withRetries(() =>
    sessions.use((session) => changeStatus(session, tables, report, { precondition: isNew })),
  );
  if (result.kind !== "accepted") {
    await redis.del(key);
  }
  if (event !== undefined) {
    await runActions(event);
  }
  return result;
}

/** Runs the Actions concurrently; database effects are one commit. */
async function runActions(event: OrderEvent): Promise<void> {
  const matching = effects.filter((effect) => effect.matches(event));
  const statements = matching.flatMap((effect) => ("statement" in effect ? [effect.statement(event)] : []));
  const sent = matching.flatMap((effect) => ("send" in effect ? [effect.send(event)] : []));
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

/**
 * Sets the response time of the stub systems for mail and messages, in milliseconds; 0 for the
 * default.
 */
async function delayMail(urls: readonly string[], delayMs: number): Promise<void> {
  for (const url of urls) {
    const system = new URL(url).pathname.slice(1);
    const rule = delayMs === 0 ? { system, mode: "ok" } : { system, mode: "slow", delayMs };
    const { ok } = await fetch(new URL("/control", url), { method: "POST", body: JSON.stringify(rule) });
    if (!ok) {
      throw new Error(`${system} is not a stub system`);
    }
  }
}
