/**
 * Upper limit of the database: status reports by the service's group committer alone, called in
 * this process, durable, without RPC, publishing and Actions.
 *
 *     node bench/baselines/group-commit.ts --callers 64 --reports-per-caller 1 --seconds 5
 */
import { parseArgs } from "node:util";
import { migrate } from "../../src/store/migrations/index.ts";
import { fillOrders, idsUpTo, runCallers } from "../components/commit-load.ts";
import { LIFECYCLE } from "../load/call-sequences.ts";
import { measured } from "./support/measured.ts";
import { openBaselineDatabase, requiredVariable } from "./support/process.ts";

const { values } = parseArgs({
  options: {
    callers: { type: "string", default: "64" },
    "reports-per-caller": { type: "string", default: "1" },
    seconds: { type: "string", default: "5" },
    warmup: { type: "string", default: "1" },
  },
});
const [callers, reportsPerCaller] = [Number(values.callers), Number(values["reports-per-caller"])];
const [seconds, warmup] = [Number(values.seconds), Number(values.warmup)];

/** Orders are seeded for this rate, in reports per second. */
const MAX_PER_SECOND = callers * reportsPerCaller === 1 ? 6_000 : 60_000;

let measurements = {};
const db = openBaselineDatabase({ mysqlUrl: requiredVariable("MYSQL_URL"), prefix: requiredVariable("PREFIX") });
await migrate(db);
const count = Math.ceil((MAX_PER_SECOND * (seconds + warmup)) / LIFECYCLE.length) + callers * reportsPerCaller;
await fillOrders(db, count);
await measured(async () => {
  const run = await runCallers({ db, callers, reportsPerCaller, seconds, warmup, lanes: 2, orders: idsUpTo(count) });
  const { perSecond, p50, p99, batch } = run;
  measurements = { perSecond, "p50 ms": p50, "p99 ms": p99, "reports per batch": batch };
  return run.reports;
});
await db.destroy();
console.log(JSON.stringify({ measurements }));
