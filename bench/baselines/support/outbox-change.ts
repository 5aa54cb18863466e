import { decodeAnswer, digestOf, encodeAnswer, type KnownRequest } from "../../../src/store/committer/request-id.ts";
import type { Tables } from "../../../src/store/committer/tables.ts";
import type { ReportResult, ReportTaken, StatusReport } from "../../../src/store/committer/types.ts";
import type { OrderDatabase } from "../../../src/store/database.ts";
import type { Failure } from "../../../src/store/failures.ts";
import { literal, valuesClause } from "../../../src/store/literals.ts";
import type { Move } from "../../../src/store/move.ts";
import { retried } from "../../../src/store/transaction.ts";
import { encodeEvent } from "../../../src/stream/codec.ts";
import type { StreamConnection } from "../../../src/stream/connection.ts";
import { STREAM_NAME } from "../../../src/stream/topology.ts";
import type { Sessions } from "./sessions.ts";
import { type Addition, changeStatus } from "./status-change.ts";

/** A duplicate key: another call with the same request id was quicker. */
const AGAIN: readonly Failure[] = ["deadlock", "lock-timeout", "duplicate-key"];

/** Makes changes whose event, and whose request's answer, are rows of the same transaction. */
export function outboxChange(sessions: Sessions, tables: Tables): (report: StatusReport) => Promise<ReportResult> {
  return async (report) => {
    const addition = additionTo(report, tables);
    const { result } = await retried(
      () => sessions.use((session) => changeStatus(session, tables, report, addition)),
      AGAIN,
    );
    return result;
  };
}

function additionTo(report: StatusReport, tables: Tables): Addition {
  if (report.requestId === "") {
    return { write: (move) => [outboxStatement(tables, move)] };
  }
  const requestId = literal(report.requestId);
  const digest = digestOf(report);
  return {
    look: `select digest, answer from ${tables.request} where request_id = ${requestId}`,
    known([row]) {
      const known = row as KnownRequest | undefined;
      if (known === undefined) {
        return undefined;
      }
      return digest.equals(known.digest) ? decodeAnswer(known.answer) : { kind: "request-id-reused" };
    },
    write: (move, result) => [
      outboxStatement(tables, move),
      `insert into ${tables.request} (request_id, digest, answer, order_id, record_time) values` +
        ` (${requestId},${literal(digest)},${literal(encodeAnswer(result as ReportTaken))},${report.orderId},${literal(move.event.recordTime)})`,
    ],
  };
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

function outboxStatement(tables: Tables, { event }: Move): string {
  const { subject, eventType, body } = encodeEvent(event);
  const row = [event.messageId, event.orderId, subject, eventType, body, event.recordTime, event.traceparent];
  return `insert into ${tables.outbox} ${valuesClause(OUTBOX_COLUMNS, [row])}`;
}

/** How much is left to do: events that are not published, and messages that an Action is not done with. */
export async function openCount(db: OrderDatabase, stream: StreamConnection): Promise<number> {
  const { unpublished } = await db
    .selectFrom("oms_db.oms_outbox")
    .select(({ fn }) => fn.countAll<number>().as("unpublished"))
    .executeTakeFirstOrThrow();
  const client = stream.client();
  if (client === undefined) {
    throw new Error("the broker is out of reach");
  }
  const { consumers } = await client.jetstreamManager({ checkAPI: false });
  let open = Number(unpublished);
  for await (const { num_pending, num_ack_pending } of consumers.list(STREAM_NAME)) {
    open += num_pending + num_ack_pending;
  }
  return open;
}
