import { setTimeout as delay } from "node:timers/promises";
import { type Kysely, sql } from "kysely";
import type { OrderDatabase } from "../mysql/database.ts";
import { withRetries } from "../mysql/transaction.ts";
import type { Database, ShadowDifferenceKind } from "../schema.ts";

/** What came of comparing one answer with the old system's: the same, different, no answer of the old system, or not compared. */
export type ShadowResult = "same" | "different" | "failed" | "skipped";

/** Something that our answer and the old system's do not have in common. */
export interface ShadowDifference {
  /** The old method, for example "getOrderStatus". */
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

/** What is known of the compares, kept for people beside the compares' way. */
export interface ShadowLog {
  count(method: string, result: ShadowResult): void;
  /** Keeps a difference, unless there have just been many. */
  recordDifference(difference: ShadowDifference): void;
  /** Writes what is left, as far as the database takes it soon. */
  close(): Promise<void>;
}

type Sum = Record<ShadowResult, number> & { lastTime: Date };
type KeptDifference = ShadowDifference & { readonly time: Date };

const FLUSH_MS = 1_000;

/** Differences that wait for a flush, and so are kept a second; of one field of one method not so many, as others are seen beside it. */
const MAX_WAITING = 20;
const MAX_OF_A_FIELD = 5;

/** Rows that the table keeps, and new rows after which the surplus is looked for and deleted. */
const KEPT_ROWS = 10_000;
const TRIM_EVERY = 200;
const TRIM_BATCH = 1_000;

/** How long the last flush may take, in milliseconds: others stop after us. */
const LAST_FLUSH_MS = 1_000;

const MAX_ID = 2n ** 63n - 1n;

/** Sums by method, and the newest differences. While the database is away sums wait, and differences are dropped. */
export function createShadowLog({ db }: { readonly db: OrderDatabase }): ShadowLog {
  let sums = new Map<string, Sum>();
  let waiting: KeptDifference[] = [];
  let untrimmed = TRIM_EVERY;
  let flushing: Promise<void> | undefined;

  const sumOf = (method: string, lastTime: Date): Sum => {
    const sum = sums.get(method) ?? { same: 0, different: 0, failed: 0, skipped: 0, lastTime };
    sums.set(method, sum);
    return sum;
  };

  const flushSums = async () => {
    if (sums.size === 0) {
      return;
    }
    const taken = sums;
    sums = new Map();
    try {
      await withRetries(() => addSums(db, taken));
    } catch {
      // The database is away: with the next ones.
      for (const [method, { same, different, failed, skipped, lastTime }] of taken) {
        const sum = sumOf(method, lastTime);
        sum.same += same;
        sum.different += different;
        sum.failed += failed;
        sum.skipped += skipped;
      }
    }
  };

  const flushDifferences = async () => {
    if (waiting.length === 0) {
      return;
    }
    const taken = waiting;
    waiting = [];
    try {
      await withRetries(() => insertDifferences(db, taken));
      untrimmed += taken.length;
      if (untrimmed >= TRIM_EVERY) {
        await trim(db);
        untrimmed = 0;
      }
    } catch {
      // The metrics have counted them.
    }
  };

  const flush = async () => {
    await flushSums();
    await flushDifferences();
  };

  const timer = setInterval(() => {
    flushing ??= flush().finally(() => {
      flushing = undefined;
    });
  }, FLUSH_MS);
  timer.unref();

  return {
    count(method, result) {
      const now = db.clock.now();
      const sum = sumOf(method, now);
      sum[result] += 1;
      sum.lastTime = now;
    },
    recordDifference(difference) {
      const isLike = ({ method, field }: ShadowDifference) =>
        method === difference.method && field === difference.field;
      if (waiting.length < MAX_WAITING && waiting.filter(isLike).length < MAX_OF_A_FIELD) {
        waiting.push({ ...difference, time: db.clock.now() });
      }
    },
    async close() {
      clearInterval(timer);
      const timeUp = new AbortController();
      const last = (async () => {
        await flushing;
        await flush();
      })();
      await Promise.race([last, delay(LAST_FLUSH_MS, undefined, { signal: timeUp.signal }).catch(() => {})]);
      timeUp.abort();
    },
  };
}

async function addSums(db: Kysely<Database>, sums: ReadonlyMap<string, Sum>): Promise<void> {
  const added = (name: string) => sql<bigint>`${sql.ref(name)} + values(${sql.ref(name)})`;
  await db
    .insertInto("oms_db.oms_shadow_total")
    .values(
      [...sums]
        // By name: two servers do not wait for each other in a circle.
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([method, { same, different, failed, skipped, lastTime }]) => ({
          method: fitTo(method, 64),
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

async function insertDifferences(db: Kysely<Database>, differences: readonly KeptDifference[]): Promise<void> {
  await db
    .insertInto("oms_db.oms_shadow_difference")
    .values(
      differences.map(({ method, field, kind, ours, theirs, orderId, caller, callId, time }) => ({
        method: fitTo(method, 64),
        field: fitTo(field, 128),
        kind,
        ours: fitTo(ours, 128),
        theirs: fitTo(theirs, 128),
        order_id: orderId > 0n && orderId <= MAX_ID ? orderId : 0n,
        caller: fitTo(caller, 64),
        call_id: fitTo(callId, 64),
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
    .offset(KEPT_ROWS)
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

/** What a column takes. */
function fitTo(text: string, length: number): string {
  return text.slice(0, length).toWellFormed();
}
