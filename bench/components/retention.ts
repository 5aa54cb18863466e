/**
 * What the deletion of old rows costs those who write: a durable MariaDB of its own with a past of a million history rows, a million ledger
 * rows and as many request ids; callers at the group committer, in process, with and without the upkeep at work beside them, in turns; and
 * how long the upkeep then takes for the rest. Usage: node bench/components/retention.ts [--rounds 15] [--seconds 3] [--callers 64] [--past 100000]
 * [--fresh 150000] [--url mysql://…], past and fresh in orders.
 */
import { parseArgs } from "node:util";
import { sql } from "kysely";
import { startRetention } from "../../src/jobs/retention/index.ts";
import { createLogger } from "../../src/observability/log.ts";
import { createMetrics } from "../../src/observability/metrics.ts";
import { migrate } from "../../src/store/migrations/index.ts";
import { type OrderDatabase, openDatabase } from "../../src/store/mysql/database.ts";
import { watchOtherLoad } from "../machine.ts";
import { type CommitRun, runCallers, withDatabaseServer } from "./commit-load.ts";

const { values } = parseArgs({
  options: {
    url: { type: "string" },
    rounds: { type: "string", default: "15" },
    seconds: { type: "string", default: "3" },
    callers: { type: "string", default: "64" },
    past: { type: "string", default: "100000" },
    fresh: { type: "string", default: "150000" },
  },
});

const DAY_MS = 86_400_000;
const KEEP = { historyMs: 30 * DAY_MS, requestLogMs: 30 * DAY_MS };

/** Orders of the past whose changes came in turns: so many rows lie between two of one order. */
const BLOCK = 5_000;
const CHANGES = 11;
const ACTIONS_PER_ORDER = 10;

/** Fresh orders have ids from here on. */
const FIRST_FRESH = 1_000_000_000n;

interface Round extends CommitRun {
  readonly deletedPerSecond: number;
  /** Of any connection for a row that another one had locked. */
  readonly lockWaits: number;
  readonly lockMs: number;
  /** Longest and mean time of the upkeep at the database without a rest, in milliseconds. */
  readonly step: { readonly mean: number; readonly p99: number };
  /** Share of all cores that others than this benchmark took. */
  readonly others: number;
}

await withDatabaseServer(values.url, async (url) => {
  const db = openDatabase({ url, prefix: "bench_" });
  await migrate(db);
  const [past, fresh] = [Number(values.past), Number(values.fresh)];
  await fillPast(db, past);
  await fillFresh(db, fresh);
  const before = await countAll(db);
  console.log(`before: ${inWords(before)}`);

  const orders = idsFrom(FIRST_FRESH, fresh);
  const rounds: { alone: Round; beside: Round }[] = [];
  for (let round = 0; round < Number(values.rounds); round += 1) {
    const run = (upkeep: boolean) => measure(db, orders, upkeep);
    // Each goes first in turn: a table that grows is nobody's handicap.
    const first = await run(round % 2 === 1);
    const second = await run(round % 2 === 0);
    const [alone, beside] = round % 2 === 0 ? [first, second] : [second, first];
    rounds.push({ alone, beside });
    print(round + 1, alone, beside);
  }
  printMedians("all rounds", rounds);
  const isQuiet = ({ others }: Round) => others < 0.1;
  printMedians(
    "rounds in which others took less than a tenth of the machine",
    rounds.filter(({ alone, beside }) => isQuiet(alone) && isQuiet(beside)),
  );

  const began = performance.now();
  const rest = await deleteRest(db);
  const seconds = (performance.now() - began) / 1_000;
  console.log(
    `the rest, nobody else writing: ${rest} rows in ${seconds.toFixed(0)} s, ${Math.round(rest / seconds)} a second`,
  );
  console.log(`after: ${inWords(await countAll(db))}`);
  const { rows } = await sql<{
    Variable_name: string;
    Value: string;
  }>`show global status like 'Innodb_row_lock_time_max'`.execute(db);
  console.log(`longest wait for a lock on a row, of anybody: ${rows[0]?.Value} ms`);
  await db.destroy();
});

/** Orders that ended forty days ago, whose rows are made by the database itself. */
async function fillPast(db: OrderDatabase, orders: number): Promise<void> {
  const table = (name: string) => sql.table(`oms_db.${name}`);
  const time = sql`now(3) - interval 40 day`;
  for (let start = 1; start <= orders; start += BLOCK) {
    const ids = sql.table(`oms_db.seq_${start}_to_${Math.min(orders, start + BLOCK - 1)}`);
    const versions = sql.table(`oms_db.seq_1_to_${CHANGES}`);
    await sql`insert into ${table("oms_order_main")} (order_id, root_parent_id, order_source, order_type)
      select seq, seq, 1000, 1 from ${ids}`.execute(db);
    await sql`insert into ${table("oms_order_status")} (order_id, order_status, version, update_date)
      select seq, 6010, ${CHANGES}, ${time} from ${ids}`.execute(db);
    await sql`insert into ${table("oms_status_history")}
      (order_id, version, from_status, to_status, outcome, occur_time, record_time, caller, operator, request_id)
      select o.seq, v.seq, 5010, 6010, 'APPLIED', ${time}, ${time}, 'bench', 'bench', md5(concat(o.seq, '-', v.seq))
      from ${versions} v straight_join ${ids} o order by v.seq, o.seq`.execute(db);
    await sql`insert into ${table("oms_action_ledger")}
      (message_id, action, order_id, outbox_id, state, attempts_started, attempts_finished, first_time, finish_time)
      select concat(o.seq, '-', v.seq), elt(v.seq % 3 + 1, 'third-party-notify', 'finance-push', 'e-invoice'), o.seq, 0,
        'DONE', 1, 1, ${time}, ${time}
      from ${versions} v straight_join ${ids} o where v.seq <= ${ACTIONS_PER_ORDER} order by v.seq, o.seq`.execute(db);
    await sql`insert into ${table("oms_request")} (request_id, digest, answer, order_id, record_time)
      select md5(concat(o.seq, '-', v.seq)), unhex(sha1(o.seq)), '["applied","1",6010,11,"1-11"]', o.seq, ${time}
      from ${versions} v straight_join ${ids} o`.execute(db);
  }
  for (const name of ["oms_status_history", "oms_action_ledger", "oms_request", "oms_order_status", "oms_order_main"]) {
    await sql`analyze table ${table(name)}`.execute(db);
  }
}

/** Orders at CREATED for the callers. */
async function fillFresh(db: OrderDatabase, orders: number): Promise<void> {
  const ids = sql.table(`oms_db.seq_${FIRST_FRESH}_to_${FIRST_FRESH + BigInt(orders - 1)}`);
  await sql`insert into ${sql.table("oms_db.oms_order_status")} (order_id, order_status) select seq, 1000 from ${ids}`.execute(
    db,
  );
  await sql`insert into ${sql.table("oms_db.oms_order_main")} (order_id, root_parent_id, order_source, order_type)
    select seq, seq, 1000, 1 from ${ids}`.execute(db);
}

async function measure(db: OrderDatabase, orders: Iterator<bigint>, withUpkeep: boolean): Promise<Round> {
  const metrics = createMetrics();
  const log = createLogger("warn");
  const locksBefore = await readLocks(db);
  const others = watchOtherLoad();
  const began = performance.now();
  const upkeep = withUpkeep ? startRetention({ db, log, metrics, periods: KEEP, intervalMs: DAY_MS }) : undefined;
  const run = await runCallers({
    db,
    callers: Number(values.callers),
    seconds: Number(values.seconds),
    lanes: 2,
    orders,
  });
  await upkeep?.stop();
  const seconds = (performance.now() - began) / 1_000;
  const locks = await readLocks(db);
  const deleted = (await metrics.retentionDeletedRows.get()).values.reduce((sum, { value }) => sum + value, 0);
  return {
    ...run,
    deletedPerSecond: deleted / seconds,
    lockWaits: locks.waits - locksBefore.waits,
    lockMs: locks.ms - locksBefore.ms,
    step: stepsOf((await metrics.retentionStepDuration.get()).values),
    others: others(),
  };
}

/** Mean and the bucket that 99 of a hundred are within, in milliseconds. */
function stepsOf(
  values: readonly {
    readonly metricName?: string;
    readonly labels: { readonly le?: string | number };
    readonly value: number;
  }[],
): Round["step"] {
  const ending = (end: string) => values.filter(({ metricName }) => metricName?.endsWith(end));
  const count = ending("_count")[0]?.value ?? 0;
  const sum = ending("_sum")[0]?.value ?? 0;
  const within = ending("_bucket").find(({ value }) => value >= count * 0.99);
  return { mean: (sum / Math.max(1, count)) * 1_000, p99: Number(within?.labels.le ?? 0) * 1_000 };
}

async function readLocks(db: OrderDatabase): Promise<{ waits: number; ms: number }> {
  const { rows } = await sql<{
    Variable_name: string;
    Value: string;
  }>`show global status like 'Innodb_row_lock%'`.execute(db);
  const of = (name: string) => Number(rows.find(({ Variable_name }) => Variable_name === name)?.Value);
  return { waits: of("Innodb_row_lock_waits"), ms: of("Innodb_row_lock_time") };
}

/** All that is left of the past; the number of rows. */
async function deleteRest(db: OrderDatabase): Promise<number> {
  const metrics = createMetrics();
  const upkeep = startRetention({ db, log: createLogger("warn"), metrics, periods: KEEP, intervalMs: DAY_MS });
  while (((await metrics.retentionLastPass.get()).values[0]?.value ?? 0) === 0) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await upkeep.stop();
  return (await metrics.retentionDeletedRows.get()).values.reduce((sum, { value }) => sum + value, 0);
}

async function countAll(db: OrderDatabase) {
  const count = async (name: string) => {
    const { rows } = await sql<{ count: bigint }>`select count(*) as count from ${sql.table(`oms_db.${name}`)}`.execute(
      db,
    );
    return Number(rows[0]?.count);
  };
  return {
    history: await count("oms_status_history"),
    ledger: await count("oms_action_ledger"),
    "request ids": await count("oms_request"),
    orders: await count("oms_order_status"),
  };
}

function inWords(counts: Record<string, number>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${count.toLocaleString("en")} ${name}`)
    .join(", ");
}

function print(round: number, ...runs: readonly Round[]): void {
  for (const [index, run] of runs.entries()) {
    console.log(
      `${round} ${index === 0 ? "without" : "with   "} ${String(Math.round(run.perSecond)).padStart(6)} changes/s, p50 ${run.p50.toFixed(2)} p99 ${run.p99.toFixed(2)} max ${run.max.toFixed(0)} ms,` +
        ` ${run.lockWaits} lock waits of ${(run.lockMs / Math.max(1, run.lockWaits)).toFixed(1)} ms` +
        `${index === 0 ? "" : `; ${Math.round(run.deletedPerSecond)} rows deleted/s, steps of ${run.step.mean.toFixed(1)} ms, 99 % within ${run.step.p99} ms`}` +
        ` (others: ${Math.round(run.others * 100)} % of the machine)`,
    );
  }
}

/** With the upkeep in proportion to without. */
function printMedians(which: string, rounds: readonly { readonly alone: Round; readonly beside: Round }[]): void {
  const median = (of: (round: (typeof rounds)[number]) => number) =>
    rounds.map(of).toSorted((a, b) => a - b)[Math.floor(rounds.length / 2)] ?? Number.NaN;
  const ratio = (of: (run: Round) => number) => median(({ alone, beside }) => of(beside) / of(alone)).toFixed(2);
  const deleted = Math.round(median(({ beside }) => beside.deletedPerSecond));
  const changes = Math.round(median(({ beside }) => beside.perSecond));
  console.log(
    `medians of ${rounds.length} (${which}), with / without the upkeep: throughput ${ratio(({ perSecond }) => perSecond)},` +
      ` p50 ${ratio(({ p50 }) => p50)}, p99 ${ratio(({ p99 }) => p99)}; ${deleted} rows deleted a second beside ${changes} changes`,
  );
}

function* idsFrom(first: bigint, count: number): Generator<bigint> {
  for (let index = 0; index < count; index += 1) {
    yield first + BigInt(index);
  }
}
