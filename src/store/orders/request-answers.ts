import type { Transaction } from "kysely";
import type { AcceptedReport, StatusReport } from "../../domain/status-report.ts";
import { digest } from "../mysql/ids.ts";
import type { Database } from "../schema.ts";

/** The first answer to a request id, with the digest of the request's content. */
export interface KnownRequest {
  readonly digest: Buffer;
  /** JSON. */
  readonly answer: string;
}

/** A request id was used before: with this answer, or with another content. */
export type StoredAnswer = { readonly answer: unknown } | "reused";

/** The first answer to a request id; undefined for a new one and for "". */
export async function readStoredAnswer(
  trx: Transaction<Database>,
  requestId: string,
  contentDigest: Buffer,
): Promise<StoredAnswer | undefined> {
  if (requestId === "") {
    return undefined;
  }
  const known = await trx
    .selectFrom("oms_db.oms_request")
    .select(["digest", "answer"])
    .where("request_id", "=", Buffer.from(requestId))
    .executeTakeFirst();
  if (known === undefined) {
    return undefined;
  }
  return known.digest.equals(contentDigest) ? { answer: decodeAnswer(known.answer) } : "reused";
}

/** Stores the first answer to a request id, in the transaction of the change; nothing for "". */
export async function storeAnswer(
  trx: Transaction<Database>,
  stored: {
    readonly requestId: string;
    readonly contentDigest: Buffer;
    /** Properties whose names end in "Id" are bigints. */
    readonly answer: unknown;
    readonly orderId: bigint;
    readonly now: Date;
  },
): Promise<void> {
  if (stored.requestId !== "") {
    await trx
      .insertInto("oms_db.oms_request")
      .values({
        request_id: Buffer.from(stored.requestId),
        digest: stored.contentDigest,
        answer: encodeAnswer(stored.answer),
        order_id: stored.orderId,
        record_time: stored.now,
      })
      .execute();
  }
}

function encodeAnswer(answer: unknown): string {
  return JSON.stringify(answer, (_, value) => (typeof value === "bigint" ? String(value) : value));
}

function decodeAnswer(answer: string): unknown {
  return JSON.parse(answer, (key, value) => (key.endsWith("Id") ? BigInt(value) : value));
}

/** SHA-1 of the content of a report; the caller and `validateOnly` are not part of it. */
export function digestOfReport(report: StatusReport): Buffer {
  const { orderId, status, by, occurTime, remark, expectedVersion, cause } = report;
  return digest(["report", String(orderId), status, by, occurTime?.getTime(), remark, expectedVersion, cause.operator]);
}

/** The answer to a report as it is stored: shorter than with property names. */
export function encodeReport({ outcome, orderId, status, version, messageId }: AcceptedReport): string {
  return JSON.stringify([outcome, String(orderId), status, version, messageId]);
}

export function decodeReport(answer: string): AcceptedReport {
  const [outcome, orderId, status, version, messageId] = JSON.parse(answer) as [
    AcceptedReport["outcome"],
    string,
    number,
    number,
    string,
  ];
  return { kind: "accepted", outcome, orderId: BigInt(orderId), status, version, messageId };
}
