/**
 * What a crowd costs: a million due ledger rows of one Action, whose neighbour was away, in a durable MariaDB of its own. How long a claim
 * takes that looks for all Actions, how quickly the crowd drains, and how long the looks take that are there all the time. Usage: node
 * bench/components/backlog.ts [--rows 1000000] [--seconds 30] [--state PENDING] [--url mysql://…].
 */
import { parseArgs } from "node:util";
import { sql } from "kysely";
import { lastIdBefore } from "../../src/messaging/relay/republish.ts";
import { createLedger, type Ledger } from "../../src/store/ledger/index.ts";
import { migrate } from "../../src/store/migrations/index.ts";
import { type OrderDatabase, openDatabase } from "../../src/store/mysql/database.ts";
import { readUnpublished } from "../../src/store/outbox/outbox.ts";
import { watchOtherLoad } from "../machine.ts";
import { withDatabaseServer } from "./commit-load.ts";

const { values } = parseArgs({
  options: {
    url: { type: "string" },
    rows: { type: "string", default: "1000000" },
    seconds: { type: "string", default: "30" },
    state: { type: "string", default: "PENDING" },
  },
});

/** As many subscribers as the service has; the crowd is of the first one. */
const ACTIONS = Array.from({ length: 16 }, (_, index) => `action-${index}`);
const CROWDED = ACTIONS[0] as string;
const LIMITS = new Map(ACTIONS.map((action) => [action, 128]));

/** Rows that one statement makes. */
const CHUNK = 50_000;
const EVENTS_PER_ORDER = 4;

await withDatabaseServer(values.url, async (url) => {
  const db = openDatabase({ url, prefix: "bench_" });
  await migrate(db);
  await db.clock.sync();
  const rows = Number(values.rows);
  await fill(db, rows);
  const ledger = createLedger({ db, leaseMs: 30_000 });
  console.log(`${rows.toLocaleString("en")} ${values.state} rows due of one Action of ${ACTIONS.length}`);

  await time("how much is open of each Action", () => ledger.openCounts(ACTIONS));
  const { signal } = new AbortController();
  const lastOld = () => lastIdBefore(db, new Date(db.clock.now().getTime() - 600_000), signal);
  const kept = await lastOld();
  await time("the first look for unpublished events", () => lookAfter(db, 0n));
  await time("where the next one begins", lastOld);
  await time("the next one", () => lookAfter(db, kept));
  const others = watchOtherLoad();
  await drain(ledger, Number(values.seconds));
  console.log(`others took ${Math.round(others() * 100)} % of the machine`);
  await ledger.close();
  await db.destroy();
});

/** Events that the broker has and one Action is not done with, some of each order, made by the database itself. */
async function fill(db: OrderDatabase, rows: number): Promise<void> {
  const outbox = sql.table("oms_db.oms_outbox");
  const ledger = sql.table("oms_db.oms_action_ledger");
  for (let start = 1; start <= rows; start += CHUNK) {
    const ids = sql.table(`oms_db.seq_${start}_to_${Math.min(rows, start + CHUNK - 1)}`);
    // As orders come: many others are in between two events of one.
    const orders = Math.ceil(rows / EVENTS_PER_ORDER);
    const ofEvent = sql`seq % ${orders}`;
    const messageId = sql`concat(${ofEvent}, '-', (seq - 1) div ${orders} + 1)`;
    const committed = sql`now(3) - interval 1 day + interval seq * 10 microsecond`;
    await sql`insert into ${outbox} (id, message_id, order_id, subject, event_type, body, record_time, published)
      select seq, ${messageId}, ${ofEvent}, 'oms.v1.order.status.6010', 'bench', repeat('b', 160), ${committed}, 1 from ${ids}`.execute(
      db,
    );
    await sql`insert into ${ledger} (message_id, action, order_id, outbox_id, state, next_attempt_time, first_time)
      select ${messageId}, ${CROWDED}, ${ofEvent}, seq, ${values.state}, ${committed}, ${committed} from ${ids}`.execute(
      db,
    );
  }
  await sql`analyze table ${ledger}`.execute(db);
}

function lookAfter(db: OrderDatabase, afterId: bigint) {
  return readUnpublished(db, { olderThanMs: 1_000, afterId, limit: 500 });
}

async function time(what: string, work: () => Promise<unknown>): Promise<void> {
  const took: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const began = performance.now();
    await work();
    took.push(performance.now() - began);
  }
  console.log(`${what}: ${took.map((ms) => ms.toFixed(1)).join(", ")} ms`);
}

/** Claims what is due and marks it done, as a runner does whose Action takes no time; tells how it goes as time passes. */
async function drain(ledger: Ledger, seconds: number): Promise<void> {
  const slices = 6;
  for (let slice = 1; slice <= slices; slice += 1) {
    const end = performance.now() + (seconds * 1_000) / slices;
    const began = performance.now();
    const claims: number[] = [];
    let done = 0;
    while (performance.now() < end) {
      const before = performance.now();
      const { entries } = await ledger.claimDue({ limits: LIMITS, suspectLimits: [] });
      claims.push(performance.now() - before);
      await Promise.all(entries.map(({ entry }) => ledger.done(entry)));
      done += entries.length;
    }
    claims.sort((a, b) => a - b);
    const at = (share: number) => (claims[Math.floor(claims.length * share)] ?? 0).toFixed(1);
    const perSecond = Math.round((done * 1_000) / (performance.now() - began));
    console.log(
      `${Math.round((seconds * slice) / slices)} s: ${perSecond} done a second; a claim takes p50 ${at(0.5)}, p99 ${at(0.99)}, max ${at(1 - 1e-9)} ms`,
    );
  }
}
