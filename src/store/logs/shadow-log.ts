import { type Kysely, sql } from "kysely";
import { withTimeout } from "../../lib/async.ts";
import { createBackgroundWriter } from "../../lib/background-writer.ts";
import { createTotalsWriter } from "../../lib/totals-writer.ts";
import type { OrderDatabase } from "../mysql/database.ts";
import { withRetries } from "../mysql/transaction.ts";
import type { Database, ShadowDifferenceKind } from "../schema.ts";

/**
 * Result of comparing an answer with the legacy system's: equal, different, no answer from the
 * legacy system, or not compared.
 */
export type ShadowResult = "same" | "different" | "failed" | "skipped";

/** A difference between our answer and the legacy system's. */
export interface ShadowDifference {
  /** The legacy method, for example "getOrderStatus". */
  readonly method: string;
  readonly field: string;
  readonly kind: ShadowDifferenceKind;
  /** Without personal data. */
  readonly ours: string;
  /** Without personal data. */
  readonly theirs: string;
  /** 0 where the call names none. */
  readonly orderId: bigint;
  readonly caller: string;
  readonly callId: string;
}

/** Records the results of comparisons in the background. */
export interface ShadowLog {
  count(method: string, result: ShadowResult): void;
  /** Records a difference; dropped when many were recorded within the last second. */
  recordDifference(difference: ShadowDifference): void;
  /** Writes what is left, within a second. */
  close(): Promise<void>;
}

type Totals = Record<ShadowResult, number> & { lastTime: Date };
type TimedDifference = ShadowDifference & { readonly time: Date };

const FLUSH_MS = 1_000;

/**
 * Maximum number of differences per flush; the second limit is per field of a method, so that
 * others show up beside it.
 */
const MAX_BUFFERED = 20;
const MAX_BUFFERED_PER_FIELD = 5;

/**
 * Number of rows that the table keeps; the surplus is deleted after every `TRIM_EVERY` new rows.
 */
const MAX_ROWS = 10_000;
const TRIM_EVERY = 200;
const TRIM_BATCH = 1_000;

/** Time limit of the last flush, in milliseconds. */
const LAST_FLUSH_MS = 1_000;

const MAX_ID = 2n ** 63n - 1n;

/**
 * Keeps totals by method, and the newest differences. While the database is unavailable totals stay
 * in memory and differences are dropped.
 */
export function createShadowLog({ db }: { readonly db: OrderDatabase }): ShadowLog {
  const totalsWriter = createTotalsWriter<Totals>((totals) => withRetries(() => addTotals(db, totals)), {
    create: () => ({ same: 0, different: 0, failed: 0, skipped: 0, lastTime: db.clock.now() }),
    merge(current, { same, different, failed, skipped }) {
      current.same += same;
      current.different += different;
      current.failed += failed;
      current.skipped += skipped;
    },
    intervalMs: FLUSH_MS,
  });

  let differences: TimedDifference[] = [];
  let untrimmed = TRIM_EVERY;

  const writeDifferences = async () => {
    const taken = differences;
    differences = [];
    try {
      await withRetries(() => insertDifferences(db, taken));
      untrimmed += taken.length;
      if (untrimmed >= TRIM_EVERY) {
        await trim(db);
        untrimmed = 0;
      }
    } catch {
      // Dropped: the metrics have counted them.
    }
    return false;
  };

  const differencesWriter = createBackgroundWriter(writeDifferences, { delayMs: FLUSH_MS, retryMs: FLUSH_MS });

  return {
    count(method, result) {
      const totals = totalsWriter.of(method);
      totals[result] += 1;
      totals.lastTime = db.clock.now();
    },
    recordDifference(difference) {
      const ofSameField = differences.filter(
        ({ method, field }) => method === difference.method && field === difference.field,
      );
      if (differences.length < MAX_BUFFERED && ofSameField.length < MAX_BUFFERED_PER_FIELD) {
        differences.push({ ...difference, time: db.clock.now() });
        differencesWriter.schedule();
      }
    },
    async close() {
      await withTimeout(Promise.all([totalsWriter.close(), differencesWriter.close()]), LAST_FLUSH_MS);
    },
  };
}

async function addTotals(db: Kysely<Database>, totals: readonly (readonly [string, Totals])[]): Promise<void> {
  const added = (name: string) => sql<bigint>`${sql.ref(name)} + values(${sql.ref(name)})`;
  await db
    .insertInto("oms_db.oms_shadow_total")
    .values(
      totals.map(([method, { same, different, failed, skipped, lastTime }]) => ({
        method: truncate(method, 64),
        same_count: BigInt(same),
        different_count: BigInt(different),
        failed_count: BigInt(failed),
        skipped_count: BigInt(skipped),
        last_time: lastTime,
      })),
    )
    .onDuplicateKeyUpdate({
      same_count: added("same_count"),
      different_count: added("different_count"),
      failed_count: added("failed_count"),
      skipped_count: added("skipped_count"),
      last_time: sql`greatest(${sql.ref("last_time")}, values(${sql.ref("last_time")}))`,
    })
    .execute();
}

async function insertDifferences(db: Kysely<Database>, differences: readonly TimedDifference[]): Promise<void> {
  await db
    .insertInto("oms_db.oms_shadow_difference")
    .values(
      differences.map(({ method, field, kind, ours, theirs, orderId, caller, callId, time }) => ({
        method: truncate(method, 64),
        field: truncate(field, 128),
        kind,
        ours: truncate(ours, 128),
        theirs: truncate(theirs, 128),
        order_id: orderId > 0n && orderId <= MAX_ID ? orderId : 0n,
        caller: truncate(caller, 64),
        call_id: truncate(callId, 64),
        record_time: time,
      })),
    )
    .execute();
}

/** Deletes all but the newest rows. */
async function trim(db: Kysely<Database>): Promise<void> {
  const surplus = await db
    .selectFrom("oms_db.oms_shadow_difference")
    .select("id")
    .orderBy("id", "desc")
    .limit(1)
    .offset(MAX_ROWS)
    .executeTakeFirst();
  if (surplus === undefined) {
    return;
  }
  for (let more = true; more; ) {
    const { numDeletedRows } = await withRetries(() =>
      db
        .deleteFrom("oms_db.oms_shadow_difference")
        .where("id", "<=", surplus.id)
        .orderBy("id")
        .limit(TRIM_BATCH)
        .executeTakeFirstOrThrow(),
    );
    more = numDeletedRows >= BigInt(TRIM_BATCH);
  }
}

/** Cuts a text to a column's length. */
function truncate(text: string, length: number): string {
  return text.slice(0, length).toWellFormed();
}
