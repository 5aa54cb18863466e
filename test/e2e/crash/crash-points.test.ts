import { expect, test, vi } from "vitest";
import { dueEffects, useWorld } from "./harness.ts";

const world = useWorld();

/** Several starts of a process each; a busy machine takes its time. */
vi.setConfig({ testTimeout: 120_000 });

/** Told again by request id until the answer comes, as a caller does whose server died. */
const report = (orderId: bigint, status: string) => ({
  orderId: String(orderId),
  status: `ORDER_STATUS_${status}`,
  operator: "pay",
  requestId: `${orderId}-${status}`,
});

test.for([
  "after-status-write",
  "before-commit",
  "after-commit",
  "after-publish",
  "before-effect",
  "after-effect",
  "before-done",
])("killed %s: after a restart everything has happened once", async (point) => {
  const [orderId] = (await world.insertOrders(1)) as [bigint];
  const first = await world.start();
  const stream = await world.openStream();
  await first.call("UpdateOrderStatus", report(orderId, "PAID"));
  await world.eventually(async () => {
    expect((await world.effects([orderId], stream))["third-party-notify"]).toEqual([`${orderId}-1`]);
  });
  await first.kill("SIGTERM");

  const doomed = await world.start({ OMS_CRASH_AT: point });
  // It may die before or after its answer: the caller cannot tell, and does not have to.
  await doomed.call("UpdateOrderStatus", report(orderId, "DELIVERED")).catch(() => {});
  expect(await doomed.exited).toBe("SIGKILL");

  const next = await world.start();
  const answer = await next.call("UpdateOrderStatus", report(orderId, "DELIVERED"));
  expect(answer).toEqual({
    outcome: "OUTCOME_APPLIED",
    orderId: String(orderId),
    orderStatus: "ORDER_STATUS_DELIVERED",
    version: "2",
    messageId: `${orderId}-2`,
  });
  await world.eventually(async () => {
    expect(await world.effects([orderId], stream)).toEqual(dueEffects([orderId]));
  });
  expect(await world.history([orderId])).toEqual([`${orderId}-1`, `${orderId}-2`]);
  await next.kill("SIGTERM");
  await stream.close();
});
