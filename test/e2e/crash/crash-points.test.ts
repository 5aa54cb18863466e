import { expect, test, vi } from "vitest";
import { dueEffects, useHarness } from "./harness.ts";

const harness = useHarness();

/** Each test starts several processes. */
vi.setConfig({ testTimeout: 180_000 });

/** Repeated with its request id, as a caller does whose server died. */
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
])("killed %s: after a restart every effect has happened once", async (point) => {
  const [orderId] = (await harness.insertOrders(1)) as [bigint];
  const first = await harness.start();
  const stream = await harness.openStream();
  await first.call("UpdateOrderStatus", report(orderId, "PAID"));
  await harness.eventually(async () => {
    expect((await harness.effects([orderId], stream))["third-party-notify"]).toEqual([`${orderId}-1`]);
  });
  await first.kill("SIGTERM");

  const doomed = await harness.start({ OMS_CRASH_AT: point });
  // It may die before or after its answer, which makes no difference to the caller.
  await doomed.call("UpdateOrderStatus", report(orderId, "DELIVERED")).catch(() => {});
  expect(await doomed.exited).toBe("SIGKILL");

  const next = await harness.start();
  const answer = await next.call("UpdateOrderStatus", report(orderId, "DELIVERED"));
  expect(answer).toEqual({
    outcome: "OUTCOME_APPLIED",
    orderId: String(orderId),
    orderStatus: "ORDER_STATUS_DELIVERED",
    version: "2",
    messageId: `${orderId}-2`,
  });
  await harness.eventually(async () => {
    expect(await harness.effects([orderId], stream)).toEqual(dueEffects([orderId]));
  });
  expect(await harness.history([orderId])).toEqual([`${orderId}-1`, `${orderId}-2`]);
  await next.kill("SIGTERM");
  await stream.close();
});
