import { expect, test, vi } from "vitest";
import { dueEffects, useHarness } from "./harness.ts";

const ORDERS = 60;
const CONCURRENCY = 16;
/** After more starts than this the poison message will not be found. */
const MAX_STARTS = 15;

const harness = useHarness();

/** The test starts many processes. */
vi.setConfig({ testTimeout: 180_000 });

test("a poison message is found and parked; those that ran beside it are not", async () => {
  const ids = await harness.insertOrders(ORDERS);
  const poison = { action: "finance-push", messageId: `${ids[ORDERS / 2]}-2` };
  const doomed = { OMS_CRASH_AT: `before-effect:${poison.action}:${poison.messageId}` };
  let service = await harness.start(doomed);
  const stream = await harness.openStream();
  let starts = 1;
  const parked = () => harness.ledger(ids, "PARKED");

  // Restarts the service whenever it dies.
  const reported = reportAll(ids, async (request) => {
    await vi.waitFor(() => service.call("UpdateOrderStatus", request), { timeout: 60_000, interval: 50 });
  });
  while ((await parked()).length === 0) {
    const ended = await Promise.race([service.exited, new Promise((resolve) => setTimeout(resolve, 200, "alive"))]);
    for (let up = ended === "alive"; !up; ) {
      starts += 1;
      expect(starts).toBeLessThanOrEqual(MAX_STARTS);
      // It may process the poison message before it is up.
      up = await harness.start(doomed).then(
        (next) => {
          service = next;
          return true;
        },
        () => false,
      );
    }
  }
  await reported;

  const expected = dueEffects(ids);
  await harness.eventually(async () => {
    expect(await harness.effects(ids, stream)).toEqual({
      ...expected,
      [poison.action]: expected[poison.action]?.filter((id) => id !== poison.messageId),
    });
  });
  expect(await parked()).toEqual([{ ...poison, lastError: "started 6 times and never finished" }]);
  expect(starts).toBeGreaterThan(6);
  await service.kill("SIGTERM");
  await stream.close();
});

/** Reports both changes of every order, each until it is answered. */
async function reportAll(ids: readonly bigint[], report: (request: object) => Promise<void>): Promise<void> {
  const waiting = ids.values();
  const reportNext = async () => {
    for (const orderId of waiting) {
      for (const status of ["PAID", "DELIVERED"]) {
        await report({
          orderId: String(orderId),
          status: `ORDER_STATUS_${status}`,
          operator: "load",
          requestId: `${orderId}-${status}`,
        });
      }
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, reportNext));
}
