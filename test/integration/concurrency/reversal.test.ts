import { afterAll, beforeAll, expect, test } from "vitest";
import { OrderStatus } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { CancelState } from "../../../gen/oms/reversal/v1/order_reversal_service_pb.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { type OrderDatabase, openDatabase } from "../../../src/store/mysql/database.ts";
import { type OpenClient, TRANSPORTS } from "../../support/clients.ts";
import { eventsOf, insertOrder, stateOf } from "../../support/orders.ts";
import { useMariadb } from "../../support/servers.ts";
import { type Service, startService } from "../../support/service.ts";

/** Two independent servers on one database. */
const location = useMariadb();
let db: OrderDatabase;
let services: Service[] = [];
let one: OpenClient;
let other: OpenClient;

beforeAll(async () => {
  db = openDatabase(location);
  services = [await startService(location), await startService(location)];
  [one, other] = services.map((service): OpenClient => TRANSPORTS.gRPC(service)) as [OpenClient, OpenClient];
});
afterAll(async () => {
  one?.close();
  other?.close();
  await Promise.all(services.map((service) => service.stop()));
  await db.destroy();
});

const operator = "zhou";
const ORDERS = 40;

const orders = (status: Status, more?: Parameters<typeof insertOrder>[2]) =>
  Promise.all(Array.from({ length: ORDERS }, () => insertOrder(db, status, more)));

/** Versions 1 to n, each starting in the state of the one before, with one event each. */
async function expectLegalHistory(orderId: bigint): Promise<number[]> {
  const history = await db
    .selectFrom("oms_db.oms_status_history")
    .select(["version", "from_status", "to_status"])
    .where("order_id", "=", orderId)
    .where("outcome", "=", "APPLIED")
    .orderBy("id")
    .execute();
  const { version, order_status } = await stateOf(db, orderId);
  expect(history.map((row) => row.version)).toEqual(Array.from({ length: version }, (_, index) => index + 1));
  for (const [index, row] of history.entries()) {
    expect(row.from_status).toBe(history[index - 1]?.to_status ?? row.from_status);
  }
  expect(history.at(-1)?.to_status ?? order_status).toBe(order_status);
  const events = await eventsOf(db, orderId);
  expect(new Set(events.filter((event) => !event.includes("-*"))).size).toBe(
    events.filter((event) => !event.includes("-*")).length,
  );
  expect(events.filter((event) => event.startsWith("oms.v1.order.status."))).toEqual(
    history.map((row) => `oms.v1.order.status.${row.to_status} ${orderId}-${row.version}`),
  );
  return history.map((row) => row.to_status);
}

test("a cancel concurrent with the payment: cancelled either way, and not paid afterwards", async () => {
  const ids = await orders(Status.CREATED);
  await Promise.all(
    ids.flatMap((orderId) => [
      one.client.updateOrderStatus({ orderId, status: OrderStatus.PAID, operator }).catch(() => undefined),
      other.reversal.requestCancel({ orderId, operator }),
    ]),
  );
  for (const orderId of ids) {
    const states = await expectLegalHistory(orderId);
    expect([[Status.PAID, Status.CANCELLED], [Status.CANCELLED]]).toContainEqual(states);
  }
});

test.each([
  ["before allocation", Status.APPROVED],
  ["when the WMS is asked", Status.PICKING],
])("two concurrent cancel requests %s: one cancel", async (_name, status) => {
  const ids = await orders(status);
  const answers = await Promise.all(
    ids.map((orderId) =>
      Promise.all(
        [one, other].map(({ reversal }) => reversal.requestCancel({ orderId, operator, requestId: `c-${orderId}` })),
      ),
    ),
  );
  for (const [index, orderId] of ids.entries()) {
    const [first, second] = answers[index] ?? [];
    expect(first?.cancelId).toBe(second?.cancelId);
    expect(first?.state).toBe(second?.state);
    const requested = (await eventsOf(db, orderId)).filter((event) => event.startsWith("oms.v1.cancel.requested"));
    expect(requested).toEqual([`oms.v1.cancel.requested ${orderId}-cancel-${first?.cancelId}-requested`]);
    await expectLegalHistory(orderId);
  }
});

test("concurrent returns: never more than was shipped", async () => {
  const ids = await orders(Status.DELIVERED);
  const rows = ids.map((order_id) => ({ order_id, sku_id: 11n, quantity: 5 }));
  await db.insertInto("oms_db.oms_order_detail").values(rows).execute();
  const lines = [{ skuId: 11n, quantity: 2 }];
  await Promise.all(
    ids.flatMap((orderId) =>
      [one, other, one, other].map(({ reversal }) =>
        reversal.requestReturn({ orderId, lines, operator }).catch(() => undefined),
      ),
    ),
  );
  const { details } = await one.reversal.listReturnDetails({ orderIds: ids });
  for (const orderId of ids) {
    expect(details.filter((detail) => detail.orderId === orderId).map(({ quantity }) => quantity)).toEqual([2, 2]);
    const events = await eventsOf(db, orderId);
    expect(events.filter((event) => event.startsWith("oms.v1.return.done"))).toHaveLength(1);
  }
});

test("two different concurrent answers of the WMS: the agreement cancels, and a later refusal is a conflict", async () => {
  const ids = await orders(Status.PICKING);
  await Promise.all(ids.map((orderId) => one.reversal.requestCancel({ orderId, operator })));
  const answers = await Promise.all(
    // Each answer is the first one for half of the orders.
    ids.map((orderId, index) => {
      const [agreeing, refusing] = index % 2 === 0 ? [one, other] : [other, one];
      const agreement = () => agreeing.reversal.reportWmsAnswer({ orderId, agreed: true, operator });
      const refusal = () => refusing.reversal.reportWmsAnswer({ orderId, agreed: false, reason: "packed", operator });
      return index % 2 === 0
        ? Promise.allSettled([agreement(), refusal()])
        : Promise.allSettled([refusal(), agreement()]).then(([refused, agreed]) => [agreed, refused] as const);
    }),
  );
  const firsts: string[] = [];
  for (const [index, orderId] of ids.entries()) {
    const [agreed, refused] = answers[index] ?? [];
    expect(agreed).toMatchObject({ status: "fulfilled", value: { state: CancelState.CANCELLED } });
    expect(await expectLegalHistory(orderId)).toEqual([Status.CANCELLED]);
    const ends = (await eventsOf(db, orderId)).flatMap(
      (event) => /^oms\.v1\.cancel\.(done|refused|conflict) /.exec(event)?.[1] ?? [],
    );
    const isFirst = refused?.status === "fulfilled";
    expect(ends).toEqual(isFirst ? ["refused", "done"] : ["done", "conflict"]);
    firsts.push(isFirst ? "refused" : "agreed");
  }
  expect(new Set(firsts)).toEqual(new Set(["agreed", "refused"]));
});

test("a split parent whose children change concurrently: the answer has each child", async () => {
  const parents = await orders(Status.SPLIT, { main: { is_parent: 1 } });
  const children = await Promise.all(
    parents.map(async (parent_id) => [
      await insertOrder(db, Status.APPROVED, { main: { parent_id } }),
      await insertOrder(db, Status.PICKING, { main: { parent_id } }),
      await insertOrder(db, Status.PACKED, { main: { parent_id } }),
      await insertOrder(db, Status.DELIVERED, { main: { parent_id } }),
    ]),
  );
  const [answers] = await Promise.all([
    Promise.all(parents.map((orderId) => one.reversal.requestCancel({ orderId, operator }))),
    Promise.all(
      children.map(([, , packed]) =>
        other.client
          .updateOrderStatus({ orderId: packed as bigint, status: OrderStatus.HANDED_OVER, operator })
          .catch(() => undefined),
      ),
    ),
  ]);
  for (const [index, answer] of answers.entries()) {
    expect(answer.state).toBe(CancelState.REFUSED);
    expect(answer.children.map(({ orderId }) => orderId)).toEqual(children[index]);
    const [approved, picking, packed, delivered] = answer.children.map(({ state }) => state);
    expect([approved, picking, delivered]).toEqual([
      CancelState.CANCELLED,
      CancelState.WAITING_FOR_WMS,
      CancelState.REFUSED,
    ]);
    expect([CancelState.WAITING_FOR_WMS, CancelState.REFUSED]).toContain(packed);
    for (const orderId of children[index] ?? []) {
      await expectLegalHistory(orderId);
    }
  }
});
