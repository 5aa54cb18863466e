import { randomBytes } from "node:crypto";
import { sql, type Updateable } from "kysely";
import type { OrderDatabase } from "../mysql/database.ts";
import { idList, inlineLiteral } from "../mysql/literals.ts";
import { withRetries } from "../mysql/transaction.ts";
import type { ActionLedgerTable } from "../schema.ts";
import { type ClaimRow, readByMessageIds } from "./candidates.ts";
import { type ClaimDecision, evaluateClaim } from "./evaluate-claim.ts";
import type { Claim } from "./types.ts";

export interface ClaimDeps {
  readonly db: OrderDatabase;
  /** Duration of a lease, in milliseconds. */
  readonly leaseMs: number;
  /** See `evaluateClaim`. */
  readonly maxUnfinished: number;
  /** Called when an entry was deferred until a time. */
  readonly onDue: (at: Date) => void;
}

interface Pair {
  readonly messageId: string;
  readonly action: string;
}

/**
 * Resolves claims together: one read, and one write for those that may run. Suspects are not run
 * from here, but from the database when they are due.
 */
export async function claimAll(deps: ClaimDeps, pairs: readonly Pair[]): Promise<Claim[]> {
  const rows = new Map((await readByMessageIds(deps.db, pairs)).map((row) => [keyOf(row.entry), row]));
  const { acquired } = await resolveClaims(deps, [...rows.values()]);
  const handedOut = new Set<bigint>();
  return pairs.map((pair) => {
    const row = rows.get(keyOf(pair));
    if (row === undefined) {
      return { kind: "not-subscribed" };
    }
    if (row.state === "DONE" || row.state === "DISCARDED") {
      return { kind: "done" };
    }
    if (!acquired.has(row.id) || handedOut.has(row.id)) {
      return { kind: "later" };
    }
    handedOut.add(row.id);
    return { kind: "run", entry: row.entry };
  });
}

function keyOf({ messageId, action }: Pair): string {
  return `${action} ${messageId}`;
}

export interface ResolvedClaims {
  /** Ids of the rows whose lease was acquired. */
  readonly acquired: ReadonlySet<bigint>;
  /** `maxConcurrentSuspects` of each suspect that may run, by id. */
  readonly suspects: ReadonlyMap<bigint, number>;
  /** Whether suspects were left out. */
  readonly waiting: boolean;
}

interface EvaluatedRow {
  readonly row: ClaimRow;
  readonly decision: ClaimDecision;
}

/**
 * Evaluates rows and writes the result: leases, deferrals, and parked poison messages.
 *
 * @param suspectLimits see `DueRequest`; without it no suspect runs
 */
export async function resolveClaims(
  deps: ClaimDeps,
  rows: readonly ClaimRow[],
  suspectLimits?: readonly number[],
): Promise<ResolvedClaims> {
  const now = deps.db.clock.now();
  const evaluated = rows.map((row) => ({ row, decision: evaluateClaim(row, now, deps.maxUnfinished) }));
  await deferOrPark(deps, evaluated, now);
  const suspected = evaluated.flatMap(({ row, decision }) =>
    decision.kind === "suspect" ? [{ row, limit: decision.maxConcurrentSuspects }] : [],
  );
  const admitted = suspectLimits === undefined ? [] : admitSuspects(suspected, suspectLimits);
  const runnable = [...evaluated.filter(({ decision }) => decision.kind === "run"), ...admitted].map(({ row }) => row);
  const groups = [...Map.groupBy(runnable, ({ started }) => started)];
  const acquired = await Promise.all(groups.map(([started, group]) => acquireLeases(deps, started, group, now)));
  return {
    acquired: new Set(acquired.flat()),
    suspects: new Map(admitted.map(({ row, limit }) => [row.id, limit])),
    waiting: admitted.length < suspected.length,
  };
}

/**
 * The suspects that may run beside the running ones: the most suspect first, in random order among
 * equals, as another server may be looking at the same rows.
 */
function admitSuspects<Suspect extends { readonly limit: number }>(
  suspects: readonly Suspect[],
  runningLimits: readonly number[],
): Suspect[] {
  const sorted = suspects
    .map((suspect) => ({ suspect, rank: suspect.limit + Math.random() }))
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ suspect }) => suspect);
  const admitted: Suspect[] = [];
  let limit = Math.min(...runningLimits);
  for (const suspect of sorted) {
    limit = Math.min(limit, suspect.limit);
    if (runningLimits.length + admitted.length + 1 > limit) {
      break;
    }
    admitted.push(suspect);
  }
  return admitted;
}

/** Minimum duration of a lease, as a share of `leaseMs`. */
const MIN_LEASE_SHARE = 0.8;

/**
 * End of a lease: the row's due time where that makes a lease of at least the minimum, which it
 * does for most rows that the broker delivers. Then no index changes.
 */
function leaseEnd(now: Date, leaseMs: number) {
  const after = (share: number) => inlineLiteral(new Date(now.getTime() + leaseMs * share));
  return sql<Date>`if(next_attempt_time between ${after(MIN_LEASE_SHARE)} and ${after(1)}, next_attempt_time, ${after(1)})`;
}

/**
 * Starts attempts, if the rows are unchanged since they were read. If another server was faster
 * with some of them, the random token identifies ours.
 *
 * @returns ids of the rows whose lease was acquired
 */
async function acquireLeases(
  { db, leaseMs }: ClaimDeps,
  started: number,
  rows: readonly ClaimRow[],
  now: Date,
): Promise<readonly bigint[]> {
  const ids = rows.map(({ id }) => id).toSorted((a, b) => Number(a - b));
  const token = randomBytes(8).readBigInt64BE();
  const { numAffectedRows } = await withRetries(() =>
    sql`update ${sql.table("oms_db.oms_action_ledger")} set attempts_started = ${inlineLiteral(started + 1)},
      claimed_by = ${inlineLiteral(token)}, next_attempt_time = ${leaseEnd(now, leaseMs)}
      where id in ${idList(ids)} and attempts_started = ${inlineLiteral(started)} and state in ('PENDING', 'RETRYING')`.execute(
      db,
    ),
  );
  if (numAffectedRows === BigInt(ids.length)) {
    return ids;
  }
  const ours = await db
    .selectFrom("oms_db.oms_action_ledger")
    .select("id")
    .where("id", "in", idList(ids))
    .where("claimed_by", "=", token)
    .execute();
  return ours.map(({ id }) => id);
}

/**
 * Defers the rows that wait and parks the poison messages, if they are unchanged since they were
 * read.
 */
async function deferOrPark({ db, onDue }: ClaimDeps, evaluated: readonly EvaluatedRow[], now: Date): Promise<void> {
  const changes = evaluated.flatMap(({ row, decision }) => {
    const change = changeOf(row, decision, now);
    return change === undefined ? [] : [{ row, change }];
  });
  for (const group of Map.groupBy(changes, ({ row, change }) => `${row.started} ${JSON.stringify(change)}`).values()) {
    const [{ row, change }] = group as [(typeof group)[number]];
    await withRetries(() =>
      db
        .updateTable("oms_db.oms_action_ledger")
        .set(change)
        .where("id", "in", idList(group.map((one) => one.row.id)))
        .where("attempts_started", "=", row.started)
        .where("state", "in", ["PENDING", "RETRYING"])
        .execute(),
    );
  }
  for (const { decision } of evaluated) {
    if (decision.kind === "wait") {
      onDue(decision.until);
    }
  }
}

type Change = Pick<Updateable<ActionLedgerTable>, "state" | "next_attempt_time" | "last_error" | "finish_time">;

function changeOf({ started, finished }: ClaimRow, decision: ClaimDecision, now: Date): Change | undefined {
  switch (decision.kind) {
    case "wait":
      return { next_attempt_time: decision.until };
    case "poison":
      return {
        state: "PARKED",
        next_attempt_time: null,
        last_error: `started ${started - finished} times and never finished`,
        finish_time: now,
      };
    default:
      return undefined;
  }
}
