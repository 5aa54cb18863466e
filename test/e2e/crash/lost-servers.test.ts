import { expect, test, vi } from "vitest";
import { dueEffects, useHarness } from "./harness.ts";
import type { ServiceProcess } from "./process.ts";

const ORDERS = 300;
const CONCURRENCY = 16;

const harness = useHarness();

/** Each test starts several processes. */
vi.setConfig({ testTimeout: 180_000 });

/**
 * Reports both changes of every order; calls `halfway` after half of the orders, while the others
 * continue.
 */
async function reportAll(service: ServiceProcess, ids: readonly bigint[], halfway: () => Promise<void>): Promise<void> {
  const waiting = ids.entries();
  let fault: Promise<void> | undefined;
  const reportNext = async () => {
    for (const [index, orderId] of waiting) {
      if (index === Math.floor(ids.length / 2)) {
        fault = halfway();
      }
      for (const status of ["PAID", "DELIVERED"]) {
        const answer = await service.call("UpdateOrderStatus", {
          orderId: String(orderId),
          status: `ORDER_STATUS_${status}`,
          operator: "load",
        });
        expect(answer).toMatchObject({ outcome: "OUTCOME_APPLIED" });
      }
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, reportNext));
  await fault;
}

test.for(["nats", "redis"] as const)("%s killed under load: every effect once", async (name) => {
  const ids = await harness.insertOrders(ORDERS);
  const service = await harness.start();
  const stream = await harness.openStream();
  // Changes are accepted while the backend is down.
  await reportAll(service, ids, () => harness[name].kill());
  expect((await fetch(`${service.http}/readyz`)).status).toBe(200);
  await harness[name].restart();
  await harness.eventually(async () => {
    expect(await harness.effects(ids, stream)).toEqual(dueEffects(ids));
  });
  expect(await harness.history(ids)).toEqual(ids.flatMap((id) => [`${id}-1`, `${id}-2`]));
  await service.kill("SIGTERM");
  await stream.close();
});
