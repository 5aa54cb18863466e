import { createConnection } from "mysql2/promise";
import { insertOrders, isVirtual, makeOrder, type Order } from "../../tools/demo/orders.ts";
import type { OrderIds } from "../load/index.ts";
import type { RunningSubject } from "./subject.ts";

/** Whose schemas the orders are put into. */
export type SeedTarget = Pick<RunningSubject, "prefix">;

const INSERT = 5_000;
/** Beyond 32 bits, as order ids are. */
const FIRST_ID = 8_000_000_000n;
const nextIds = new Map<string, bigint>();

/** Orders of all kinds that are packed, with ids one after the other. */
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

/** Puts so many orders at CREATED into the tables, as the intake does, and names them. */
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
