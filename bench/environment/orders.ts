import { createConnection } from "mysql2/promise";
import { insertOrders, isVirtual, makeOrder, type Order } from "../../src/demo/orders.ts";
import type { OrderIds } from "../load/index.ts";
import type { Running } from "./running.ts";

/** Whose schemas the orders are put into. */
export type SeedTarget = Pick<Running, "prefix">;

const INSERT = 5_000;
/** Beyond 32 bits, as order ids are. */
const FIRST_ID = 8_000_000_000n;
const nextIds = new Map<string, bigint>();

/** Orders of all kinds that are packed, with ids one after the other. */
function* packableOrders(first: bigint, count: number): Generator<Order> {
  for (let index = 0, made = 0; made < count; index += 1) {
    const order = makeOrder(first, index);
    if (!isVirtual(order)) {
      yield { ...order, id: first + BigInt(made) };
      made += 1;
    }
  }
}

/** Puts so many orders at CREATED into the tables, as the intake does, and names them. */
export async function seedOrders(mysqlUrl: string, { prefix }: SeedTarget, count: number): Promise<OrderIds> {
  const first = nextIds.get(prefix) ?? FIRST_ID;
  nextIds.set(prefix, first + BigInt(count));
  const database = await createConnection({ uri: mysqlUrl, timezone: "Z" });
  const orders = packableOrders(first, count);
  for (let left = count; left > 0; left -= INSERT) {
    await insertOrders(database, prefix, orders.take(Math.min(left, INSERT)).toArray());
  }
  await database.end();
  return { first: String(first), count };
}
