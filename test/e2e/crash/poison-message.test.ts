import { expect, test, vi } from "vitest";
import { dueEffects, useWorld } from "./harness.ts";

const ORDERS = 60;
const AT_ONCE = 16;
/** More starts than this and the killer will never be found. */
const MAX_STARTS = 15;

const world = useWorld();

/** Several starts of a process each; a busy machine takes its time. */
vi.setConfig({ testTimeout: 180_000 });

test("a message that kills its worker is found and parked; those that ran beside it are not", async () => {
  const ids = await world.insertOrders(ORDERS);
  const killer = { action: "finance-push", messageId: `${ids[ORDERS / 2]}-2` };
  const doomed = { OMS_CRASH_AT: `before-effect:${killer.action}:${killer.messageId}` };
  let service = await world.start(doomed);
  const stream = await world.openStream();
  let starts = 1;
  const parked = () => world.ledger(ids, "PARKED");

  // A supervisor: who dies is started again.
  const told = tellAll(ids, async (request) => {
    await vi.waitFor(() => service.call("UpdateOrderStatus", request), { timeout: 60_000, interval: 50 });
  });
  while ((await parked()).length === 0) {
    const ended = await Promise.race([service.exited, new Promise((resolve) => setTimeout(resolve, 200, "alive"))]);
    for (let up = ended === "alive"; !up; ) {
      starts += 1;
      expect(starts).toBeLessThanOrEqual(MAX_STARTS);
      // It may meet the killer before it is up.
      up = await world.start(doomed).then(
        (next) => {
          service = next;
          return true;
        },
        () => false,
      );
    }
  }
  await told;

  const expected = dueEffects(ids);
  await world.eventually(async () => {
    expect(await world.effects(ids, stream)).toEqual({
      ...expected,
      [killer.action]: expected[killer.action]?.filter((id) => id !== killer.messageId),
    });
  });
  expect(await parked()).toEqual([{ ...killer, lastError: "started 6 times and never finished" }]);
  expect(starts).toBeGreaterThan(6);
  await service.kill("SIGTERM");
  await stream.close();
});

/** Both changes of every order, each told until it is answered. */
async function tellAll(ids: readonly bigint[], tell: (request: object) => Promise<void>): Promise<void> {
  const waiting = ids.values();
  const tellNext = async () => {
    for (const orderId of waiting) {
      for (const status of ["PAID", "DELIVERED"]) {
        await tell({
          orderId: String(orderId),
          status: `ORDER_STATUS_${status}`,
          operator: "load",
          requestId: `${orderId}-${status}`,
        });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, tellNext));
}
