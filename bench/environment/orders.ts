import { createConnection } from "mysql2/promise";
import { insertOrders, isVirtual, makeOrder, type Order } from "../../tools/demo/orders.ts";
import type { OrderIds } from "../load/index.ts";
import type { RunningSubject } from "./subject.ts";

/** A subject whose schemas orders are inserted into. */
export type SeedTarget = Pick<RunningSubject, "prefix">;

/** Orders per insertion. */
const INSERT = 5_000;
/** Beyond 32 bits, like real order ids. */
const FIRST_ID = 8_000_000_000n;
const nextIds = new Map<string, bigint>();

/** Orders of all kinds but virtual goods, with consecutive ids. */
function packableOrders(first: bigint, count: number): Order[] {
  const orders: Order[] = [];
  for (let index = 0; orders.length < count; index += 1) {
    const order = makeOrder(first, index);
    if (!isVirtual(order)) {
      orders.push({ ...order, id: first + BigInt(orders.length) });
    }
  }
  return orders;
}

/** Inserts orders at CREATED. */
export async function seedOrders(mysqlUrl: string, { prefix }: SeedTarget, count: number): Promise<OrderIds> {
  const first = nextIds.get(prefix) ?? FIRST_ID;
  nextIds.set(prefix, first + BigInt(count));
  const database = await createConnection({ uri: mysqlUrl, timezone: "Z" });
  const orders = packableOrders(first, count);
  for (let at = 0; at < count; at += INSERT) {
    await insertOrders(database, prefix, orders.slice(at, at + INSERT));
  }
  await database.end();
  return { first: String(first), count };
}
