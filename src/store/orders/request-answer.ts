import type { Transaction } from "kysely";
import type { Database } from "../schema.ts";

/** The request id came before: with this answer, or with another content. */
export type StoredAnswer = { readonly answer: unknown } | "reused";

/** The first answer to a request id; undefined where it is new, or "". */
export async function readStoredAnswer(
  trx: Transaction<Database>,
  requestId: string,
  digest: Buffer,
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
  return known.digest.equals(digest) ? { answer: JSON.parse(known.answer) } : "reused";
}

/** Keeps the first answer to a request id, with the change itself; nothing for "". */
export async function storeAnswer(
  trx: Transaction<Database>,
  kept: {
    readonly requestId: string;
    readonly digest: Buffer;
    /** As JSON has it: ids as strings. */
    readonly answer: unknown;
    readonly orderId: bigint;
    readonly now: Date;
  },
): Promise<void> {
  if (kept.requestId !== "") {
    await trx
      .insertInto("oms_db.oms_request")
      .values({
        request_id: Buffer.from(kept.requestId),
        digest: kept.digest,
        answer: JSON.stringify(kept.answer),
        order_id: kept.orderId,
        record_time: kept.now,
      })
      .execute();
  }
}
