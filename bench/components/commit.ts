/**
 * Throughput of the group committer alone, called in this process: durable commits with history,
 * outbox, ledger and request ids. Usage: node bench/components/commit.ts [--url mysql://…]
 * [--callers 1,64,256] [--seconds 5] [--orders 100000] [--lanes 1]. Without --url it starts a
 * MariaDB in a temporary folder.
 */
import { parseArgs } from "node:util";
import { migrate } from "../../src/store/migrations/index.ts";
import { openDatabase } from "../../src/store/mysql/database.ts";
import { fillOrders, idsUpTo, runCallers, withDatabaseServer } from "./commit-load.ts";

const { values } = parseArgs({
  options: {
    url: { type: "string" },
    callers: { type: "string", default: "1,64,256" },
    seconds: { type: "string", default: "5" },
    orders: { type: "string", default: "100000" },
    lanes: { type: "string", default: "1" },
  },
});

await withDatabaseServer(values.url, async (url) => {
  const db = openDatabase({ url, prefix: "bench_" });
  await migrate(db);
  const orders = Number(values.orders);
  for (const callers of values.callers.split(",").map(Number)) {
    await fillOrders(db, orders);
    const run = await runCallers({
      db,
      callers,
      seconds: Number(values.seconds),
      lanes: Number(values.lanes),
      orders: idsUpTo(orders),
    });
    console.log(
      `${String(callers).padStart(4)} callers: ${Math.round(run.perSecond)} reports/s, p50 ${run.p50.toFixed(2)} ms, p99 ${run.p99.toFixed(2)} ms,` +
        ` ${run.batch.toFixed(1)} per batch, ${(run.cpu * 100).toFixed(0)} % of a core in this process`,
    );
  }
  await db.destroy();
});
