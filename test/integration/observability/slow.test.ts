import { beforeAll, expect, onTestFinished, test } from "vitest";
import { OrderStatus } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { openDatabase } from "../../../src/store/mysql/database.ts";
import { eventually } from "../../support/eventually.ts";
import { insertOrder } from "../../support/orders.ts";
import { useService } from "../../support/service.ts";

const LIMIT_MS = 500;

const harness = useService({ OMS_SLOW_MS: String(LIMIT_MS) });

const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

beforeAll(async () => {
  // The first call of a process is slow.
  await harness.client("gRPC").updateOrderStatus({
    orderId: await insertOrder(harness.db, 1000),
    status: OrderStatus.PAID,
    operator: "pay",
  });
  harness.service.log.length = 0;
});

function linesOf(message: string) {
  return harness.service.log.filter(({ msg }) => msg === message);
}

test("a slow call and its commit are logged with their timings", async () => {
  const orderId = await insertOrder(harness.db, 1000);
  // Another transaction locks the order.
  const other = openDatabase(harness.location);
  onTestFinished(() => other.destroy());
  const holding = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const held = other.transaction().execute(async (trx) => {
    await trx
      .selectFrom("oms_db.oms_order_status")
      .select("order_id")
      .where("order_id", "=", orderId)
      .forUpdate()
      .execute();
    holding.resolve();
    await release.promise;
  });
  await holding.promise;

  const begun = performance.now();
  const called = harness
    .client("gRPC")
    .updateOrderStatus(
      { orderId, status: OrderStatus.PAID, operator: "pay" },
      { headers: { "oms-caller": "pay", traceparent: TRACEPARENT } },
    );
  // Less than the lock wait timeout of 2 s, after which the commit would begin again.
  await eventually(() => expect(performance.now() - begun).toBeGreaterThan(2.4 * LIMIT_MS));
  release.resolve();
  await Promise.all([held, called]);

  const [line, ...others] = linesOf("slow call");
  expect(others).toEqual([]);
  expect(line).toMatchObject({
    level: "warn",
    callId: expect.any(String),
    traceId: TRACEPARENT.slice(3, 35),
    rpc: "UpdateOrderStatus",
    caller: "pay",
    orderId: String(orderId),
    code: "OK",
    commit: { size: 1, retries: 0 },
  });
  const { durationMs, queueMs, commitMs, restMs, commit } = line as Record<string, number> & {
    readonly commit: { readonly readMs: number };
  };
  expect(durationMs).toBeGreaterThan(2 * LIMIT_MS);
  // It waited for the lock, which is part of the read time.
  expect(commit.readMs).toBeGreaterThan(LIMIT_MS);
  expect(Math.abs(Number(queueMs) + Number(commitMs) + Number(restMs) - Number(durationMs))).toBeLessThanOrEqual(2);
  await eventually(() =>
    expect(linesOf("slow commit")).toEqual([
      expect.objectContaining({
        level: "warn",
        size: 1,
        retries: 0,
        orderId: String(orderId),
        caller: "pay",
        traceId: TRACEPARENT.slice(3, 35),
        readMs: expect.any(Number),
        writeMs: expect.any(Number),
        connectMs: expect.any(Number),
      }),
    ]),
  );
});

test("a fast call is not logged", async () => {
  const orderId = await insertOrder(harness.db, 1000);
  const before = linesOf("slow call").length;
  await harness.client("gRPC").updateOrderStatus({ orderId, status: OrderStatus.PAID, operator: "pay" });
  expect(linesOf("slow call")).toHaveLength(before);
});
