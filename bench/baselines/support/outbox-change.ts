import type {
  AcceptedReport,
  AppliedTransition,
  ReportResult,
  StatusReport,
} from "../../../src/domain/status-report.ts";
import { encodeEvent } from "../../../src/messaging/nats/codec.ts";
import type { StreamConnection } from "../../../src/messaging/nats/connection.ts";
import { STREAM_NAME } from "../../../src/messaging/nats/topology.ts";
import type { Tables } from "../../../src/store/commit/connector.ts";
import { rowsOf } from "../../../src/store/commit/session.ts";
import type { OrderDatabase } from "../../../src/store/mysql/database.ts";
import { classifyFailure } from "../../../src/store/mysql/errors.ts";
import { literal, valuesClause } from "../../../src/store/mysql/literals.ts";
import { withRetries } from "../../../src/store/mysql/transaction.ts";
import {
  decodeReport,
  digestOfReport,
  encodeReport,
  type KnownRequest,
} from "../../../src/store/orders/request-answers.ts";
import type { Sessions } from "./sessions.ts";
import { type ChangeExtension, changeStatus } from "./status-change.ts";

/**
 * Changes with the event and the answer to the request id in the same transaction. An earlier
 * answer is only looked up when the report changes nothing or its request id exists.
 */
export function changeWithOutbox(sessions: Sessions, tables: Tables): (report: StatusReport) => Promise<ReportResult> {
  return async (report) => {
    try {
      const { result, event } = await withRetries(() =>
        sessions.use((session) => changeStatus(session, tables, report, { write: writer(tables, report) })),
      );
      return event === undefined ? ((await lookUp(sessions, tables, report)) ?? result) : result;
    } catch (error) {
      const known = classifyFailure(error) === "duplicate-key" ? await lookUp(sessions, tables, report) : undefined;
      if (known === undefined) {
        throw error;
      }
      return known;
    }
  };
}

/** The first answer to the report's request id; undefined where there is none. */
async function lookUp(sessions: Sessions, tables: Tables, report: StatusReport): Promise<ReportResult | undefined> {
  if (report.requestId === "") {
    return undefined;
  }
  const [rows] = await sessions.use((session) =>
    session.send([
      `select digest, answer from ${tables.request} where request_id = ${literal(report.requestId)}`,
      "commit",
    ]),
  );
  const [known] = rowsOf<KnownRequest>(rows);
  if (known === undefined) {
    return undefined;
  }
  return digestOfReport(report).equals(known.digest) ? decodeReport(known.answer) : { kind: "request-id-reused" };
}

function writer(tables: Tables, report: StatusReport): NonNullable<ChangeExtension["write"]> {
  const { requestId } = report;
  return (transition, answer) => [
    outboxStatement(tables, transition),
    ...(requestId === "" ? [] : [answerStatement(tables, report, transition, answer)]),
  ];
}

const REQUEST_COLUMNS = ["request_id", "digest", "answer", "order_id", "record_time"] as const;

function answerStatement(
  { request }: Tables,
  report: StatusReport,
  { event }: AppliedTransition,
  answer: AcceptedReport,
): string {
  const row = [report.requestId, digestOfReport(report), encodeReport(answer), report.orderId, event.recordTime];
  return `insert into ${request} ${valuesClause(REQUEST_COLUMNS, [row])}`;
}

const OUTBOX_COLUMNS = [
  "message_id",
  "order_id",
  "subject",
  "event_type",
  "body",
  "record_time",
  "traceparent",
] as const;

function outboxStatement(tables: Tables, { event }: AppliedTransition): string {
  const { subject, eventType, body } = encodeEvent(event);
  const row = [event.messageId, event.orderId, subject, eventType, body, event.recordTime, event.traceparent];
  return `insert into ${tables.outbox} ${valuesClause(OUTBOX_COLUMNS, [row])}`;
}

/** Number of unpublished events and of messages that Actions have not completed. */
export async function countOpenWork(db: OrderDatabase, stream: StreamConnection): Promise<number> {
  const { unpublished } = await db
    .selectFrom("oms_db.oms_outbox")
    .select(({ fn }) => fn.countAll<number>().as("unpublished"))
    .executeTakeFirstOrThrow();
  const client = stream.client();
  if (client === undefined) {
    throw new Error("NATS is not connected");
  }
  const { consumers } = await client.jetstreamManager({ checkAPI: false });
  let open = Number(unpublished);
  for await (const { num_pending, num_ack_pending } of consumers.list(STREAM_NAME)) {
    open += num_pending + num_ack_pending;
  }
  return open;
}
