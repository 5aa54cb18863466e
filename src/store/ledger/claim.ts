import { randomBytes } from "node:crypto";
import { type Kysely, sql, type Updateable } from "kysely";
import type { OrderDatabase } from "../mysql/database.ts";
import { idList, inlineLiteral } from "../mysql/id-list.ts";
import { withRetries } from "../mysql/transaction.ts";
import type { ActionLedgerTable, Database } from "../schema.ts";
import { type ClaimRow, readByMessageIds } from "./candidates.ts";
import { type ClaimDecision, evaluateClaim } from "./evaluate-claim.ts";
import type { Claim } from "./types.ts";

export interface ClaimDeps {
  readonly db: OrderDatabase;
  readonly leaseMs: number;
  readonly maxUnfinished: number;
}

interface Pair {
  readonly messageId: string;
  readonly action: string;
}

/** Answers claims in one go: one read, and one write for those that may run. A suspect is left to whoever looks for what is due. */
export async function claimAll(deps: ClaimDeps, pairs: readonly Pair[]): Promise<Claim[]> {
  const rows = new Map((await readByMessageIds(deps.db, pairs)).map((row) => [keyOf(row.entry), row]));
  const { acquired } = await resolveClaims(deps, [...rows.values()]);
  const given = new Set<bigint>();
  return pairs.map((pair) => {
    const row = rows.get(keyOf(pair));
    if (row === undefined) {
      return { kind: "not-asked" };
    }
    if (row.state === "DONE" || row.state === "DISCARDED") {
      return { kind: "done" };
    }
    if (!acquired.has(row.id) || given.has(row.id)) {
      return { kind: "later" };
    }
    given.add(row.id);
    return { kind: "run", entry: row.entry };
  });
}

function keyOf({ messageId, action }: Pair): string {
  return `${action} ${messageId}`;
}

/** What became of rows that were judged. */
export interface ResolvedClaims {
  /** The ids of those that are ours to run, with their lease begun. */
  readonly acquired: ReadonlySet<bigint>;
  /** The company of each suspect among them. */
  readonly suspects: ReadonlyMap<bigint, number>;
  /** Suspects that could not begin. */
  readonly waiting: boolean;
}

/** Judges rows and writes what follows. Suspects begin as long as they find no more company than they may have; none where it is not told. */
export async function resolveClaims(
  deps: ClaimDeps,
  rows: readonly ClaimRow[],
  underWay?: readonly number[],
): Promise<ResolvedClaims> {
  const now = deps.db.clock.now();
  const judged = rows.map((row) => ({ row, judgement: evaluateClaim(row, now, deps.maxUnfinished) }));
  await postpone(deps.db, judged, now);
  const suspected = judged.flatMap(({ row, judgement }) =>
    judgement.kind === "suspect" ? [{ row, company: judgement.maxConcurrentSuspects }] : [],
  );
  const begun = underWay === undefined ? [] : withinCompany(suspected, underWay);
  const runnable = [...judged.filter(({ judgement }) => judgement.kind === "run"), ...begun].map(({ row }) => row);
  const groups = [...Map.groupBy(runnable, ({ started }) => started)];
  const taken = await Promise.all(groups.map(([started, group]) => take(deps, started, group, now)));
  return {
    acquired: new Set(taken.flat()),
    suspects: new Map(begun.map(({ row, company }) => [row.id, company])),
    waiting: begun.length < suspected.length,
  };
}

/** Those that may begin beside the ones under way: the most suspect first, of several at random, as another server may look at the same ones. */
function withinCompany<Suspected extends { readonly company: number }>(
  suspected: readonly Suspected[],
  underWay: readonly number[],
): Suspected[] {
  const inTurn = suspected
    .map((one) => ({ one, place: one.company + Math.random() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ one }) => one);
  const begun: Suspected[] = [];
  let most = Math.min(...underWay);
  for (const one of inTurn) {
    most = Math.min(most, one.company);
    if (underWay.length + begun.length + 1 > most) {
      break;
    }
    begun.push(one);
  }
  return begun;
}

/** How much of a whole lease one has at least. */
const LEAST_SHARE = 0.8;

/**
 * The end of a lease: the time that the row is due anyway, where that is not much sooner than a whole lease and no later. So it is for most
 * that come from the broker, and then no index is touched.
 */
function leaseEnd(now: Date, leaseMs: number) {
  const after = (share: number) => inlineLiteral(new Date(now.getTime() + leaseMs * share));
  return sql<Date>`if(next_attempt_time between ${after(LEAST_SHARE)} and ${after(1)}, next_attempt_time, ${after(1)})`;
}

/**
 * Begins the attempts, each by whoever is first: the row must be as it was read. Where somebody was quicker with some of them, the
 * random number tells which are ours.
 */
async function take(
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

/** Writes down what waits, and parks what kills its workers; like `take`, only rows that are as they were read. */
async function postpone(
  db: Kysely<Database>,
  judged: readonly { readonly row: ClaimRow; readonly judgement: ClaimDecision }[],
  now: Date,
): Promise<void> {
  const changes = judged.flatMap(({ row, judgement }) => {
    const change = changeOf(row, judgement, now);
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
}

type Change = Pick<Updateable<ActionLedgerTable>, "state" | "next_attempt_time" | "last_error" | "finish_time">;

function changeOf({ started, finished }: ClaimRow, judgement: ClaimDecision, now: Date): Change | undefined {
  switch (judgement.kind) {
    case "wait":
      return { next_attempt_time: judgement.until };
    case "killer":
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
