/**
 * Throughput of the forward flow from PAID to WMS_DISPATCHED (approve, allocate in the ERP,
 * dispatch to the WMS), durable, with stub systems. Backends and load generator run on this
 * machine.
 *
 *     node scripts/run.mjs bench/components/flow.ts --orders 5000
 */
import { parseArgs } from "node:util";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { OrderStatus } from "../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { createConnection as createServiceConnection } from "../../tools/client/index.ts";
import { startBackends } from "../../tools/testkit/backends.ts";
import { startService } from "../environment/service.ts";

const { values } = parseArgs({
  options: { orders: { type: "string", default: "5000" }, callers: { type: "string", default: "64" } },
});
const [count, callers] = [Number(values.orders), Number(values.callers)];

/** Time limit for the last order, in milliseconds. */
const TIMEOUT_MS = 300_000;

const processes = await startBackends(console.error);
const service = await startService(processes);
const client = createServiceConnection(`127.0.0.1:${service.port}`, { caller: "bench" });
const database = await createConnection({ uri: processes.endpoints.mysqlUrl, timezone: "Z" });

/** Processes all items with `callers` concurrent workers. Resolves with the rate per second. */
async function forEach<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<number> {
  const waiting = items.values();
  const begin = performance.now();
  const next = async () => {
    for (const item of waiting) {
      await work(item);
    }
  };
  await Promise.all(Array.from({ length: callers }, next));
  return (items.length * 1_000) / (performance.now() - begin);
}

async function countDispatched(): Promise<number> {
  const [rows] = await database.query<RowDataPacket[]>(
    `select count(*) as done from ${service.prefix}oms_db.oms_order_status where warehouse_count > 0 and order_status = ${OrderStatus.WMS_DISPATCHED}`,
  );
  return Number(rows[0]?.done);
}

const orderIds: bigint[] = [];
const submitted = await forEach(Array.from({ length: count }), async () => {
  const lines = [{ skuId: 7n, quantity: 1, warehouseId: 1n }];
  const request = { orderSource: 1000, orderType: 1, lines, operator: "bench" };
  orderIds.push((await client.fulfilment.submitOrder(request)).orderId);
});
console.log(`${count} orders submitted, ${Math.round(submitted)} per second with ${callers} callers`);

const begin = performance.now();
const paid = await forEach(orderIds, (orderId) =>
  client.orderStatus.updateOrderStatus({ orderId, status: OrderStatus.PAID, operator: "bench" }),
);
console.log(`paid, ${Math.round(paid)} per second`);
let done = await countDispatched();
while (done < count && performance.now() - begin < TIMEOUT_MS) {
  await new Promise((resolve) => setTimeout(resolve, 100));
  done = await countDispatched();
}
const seconds = (performance.now() - begin) / 1_000;
console.log(
  `${done} from PAID to WMS_DISPATCHED in ${seconds.toFixed(1)} s: ${Math.round(done / seconds)} per second; service memory ${service.memory()} MB`,
);
client.close();
await database.end();
await service.stop();
await processes.stop();
process.exitCode = done === count ? 0 : 1;
