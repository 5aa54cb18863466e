import { expect, test, vi } from "vitest";
import { dueEffects, useWorld } from "./harness.ts";
import type { ServiceProcess } from "./process.ts";

const ORDERS = 300;
const AT_ONCE = 16;

const world = useWorld();

/** Several starts of a process each; a busy machine takes its time. */
vi.setConfig({ testTimeout: 120_000 });

/** Tells both changes of every order; calls `halfway` once half of the orders are told, while the others go on. */
async function tellAll(service: ServiceProcess, ids: readonly bigint[], halfway: () => Promise<void>): Promise<void> {
  const waiting = ids.entries();
  let fault: Promise<void> | undefined;
  const tellNext = async () => {
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
  await Promise.all(Array.from({ length: AT_ONCE }, tellNext));
  await fault;
}

test.for(["nats", "redis"] as const)("%s killed under load: every effect once", async (name) => {
  const ids = await world.insertOrders(ORDERS);
  const service = await world.start();
  const stream = await world.openStream();
  // Changes go on being taken while the server is down.
  await tellAll(service, ids, () => world[name].kill());
  expect((await fetch(`${service.http}/readyz`)).status).toBe(200);
  await world[name].restart();
  await world.eventually(async () => {
    expect(await world.effects(ids, stream)).toEqual(dueEffects(ids));
  });
  expect(await world.history(ids)).toEqual(ids.flatMap((id) => [`${id}-1`, `${id}-2`]));
  await service.kill("SIGTERM");
  await stream.close();
});
