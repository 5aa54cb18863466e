/**
 * A ceiling: status reports through the service's group committer alone, in this process, durable, without RPC and without what follows.
 *
 *     node bench/baselines/group-commit.ts --callers 64 --together 1 --seconds 5 --warmup 1
 */
import { parseArgs } from "node:util";
import { migrate } from "../../src/store/migrations/index.ts";
import { fillOrders, idsUpTo, runCallers } from "../components/commit-load.ts";
import { LIFECYCLE } from "../load/call-sequences.ts";
import { openBaselineDatabase, requiredVariable } from "./support/environment.ts";

const { values } = parseArgs({
  options: {
    callers: { type: "string", default: "64" },
    together: { type: "string", default: "1" },
    seconds: { type: "string", default: "5" },
    warmup: { type: "string", default: "1" },
  },
});
const [callers, together] = [Number(values.callers), Number(values.together)];
const [seconds, warmup] = [Number(values.seconds), Number(values.warmup)];

/** More reports a second than are to be expected of one machine: so many orders are put there beforehand. */
const MOST_PER_SECOND = callers * together === 1 ? 6_000 : 60_000;

const db = openBaselineDatabase({ mysqlUrl: requiredVariable("MYSQL_URL"), prefix: requiredVariable("PREFIX") });
await migrate(db);
const count = Math.ceil((MOST_PER_SECOND * (seconds + warmup)) / LIFECYCLE.length) + callers * together;
await fillOrders(db, count);
const run = await runCallers({ db, callers, together, seconds, warmup, lanes: 2, orders: idsUpTo(count) });
await db.destroy();
const figures = { perSecond: run.perSecond, "p50 ms": run.p50, "p99 ms": run.p99, "a batch": run.batch };
console.log(JSON.stringify({ figures }));
