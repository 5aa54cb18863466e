/**
 * The effects of status changes alone, as a part of the floor: the requests and rows of each
 * Action, without RPC, commit, broker and ledger. Rows are written in groups.
 *
 *     node bench/baselines/effects.ts --seconds 5
 */
import { parseArgs } from "node:util";
import type { OrderEvent, StatusChanged } from "../../src/domain/events.ts";
import { createBatcher } from "../../src/lib/batcher.ts";
import { connectStream } from "../../src/messaging/nats/connection.ts";
import { createPublisher } from "../../src/messaging/nats/publisher.ts";
import { createLogger } from "../../src/observability/log.ts";
import { createMetrics } from "../../src/observability/metrics.ts";
import { migrate } from "../../src/store/migrations/index.ts";
import { seedOrders } from "../environment/orders.ts";
import { LIFECYCLE } from "../load/call-sequences.ts";
import { createEffects } from "./support/effects.ts";
import { measured } from "./support/measured.ts";
import { openBaselineDatabase, readBaselineConfig } from "./support/process.ts";
import { openSessions } from "./support/sessions.ts";

/** Orders in work at the same time. */
const CONCURRENT_ORDERS = 256;

/** Maximum statements of a transaction. */
const MAX_GROUP = 64;

/** Orders are seeded for this rate, in changes per second. */
const MAX_PER_SECOND = 60_000;

const { values } = parseArgs({ options: { seconds: { type: "string", default: "5" } } });
const seconds = Number(values.seconds);
const config = readBaselineConfig();
const log = createLogger("warn");
const db = openBaselineDatabase(config);
await migrate(db);
const sessions = await openSessions(db.location, 1);
const stream = connectStream({ url: config.natsUrl, log });
const publisher = createPublisher({ stream, log, metrics: createMetrics() });
await new Promise<void>((resolve) => stream.onConnect(() => resolve()));
const effects = createEffects({ db, publisher, log, config });
const count = Math.ceil((MAX_PER_SECOND * seconds) / LIFECYCLE.length);
const orders = await seedOrders(config.mysqlUrl, { prefix: config.prefix }, count);

const write = createBatcher(
  async (statements: readonly string[]) => {
    await sessions.use((session) => session.send([...statements, "commit"]));
    return statements;
  },
  { maxBatch: MAX_GROUP },
);

const perSecond = await measured(async () => {
  const end = performance.now() + seconds * 1_000;
  let next = BigInt(orders.first);
  let changes = 0;
  const moveOrders = async () => {
    while (performance.now() < end) {
      const orderId = next;
      next += 1n;
      for (const [index, toStatus] of LIFECYCLE.entries()) {
        const event = changeOf(orderId, index + 1, toStatus);
        await Promise.all(effects.filter((effect) => effect.matches(event)).map((effect) => run(effect, event)));
        changes += 1;
      }
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT_ORDERS }, moveOrders));
  return changes;
});
console.log(JSON.stringify({ measurements: { perSecond } }));
publisher.close();
await stream.close();
sessions.close();
await db.destroy();

async function run(effect: (typeof effects)[number], event: OrderEvent): Promise<void> {
  await ("statement" in effect ? write(effect.statement(event)) : effect.send(event));
}

function changeOf(orderId: bigint, version: number, toStatus: number): StatusChanged {
  const now = new Date();
  return {
    type: "status-changed",
    messageId: `${orderId}-${version}`,
    orderId,
    rootParentId: orderId,
    orderSource: 1000,
    orderType: 1,
    recordTime: now,
    caller: "bench",
    operator: "bench",
    authenticatedOperator: "",
    traceparent: "",
    fromStatus: LIFECYCLE[version - 2] ?? 0,
    toStatus,
    version,
    occurTime: now,
    requestId: "",
    remark: "",
    warehouseCount: 0,
  };
}
