import { beforeEach, expect, test } from "vitest";
import { Status } from "../../../src/domain/state-machine.ts";
import { statusChanged } from "../../support/events.ts";
import { useOwnMariadb } from "../../support/servers.ts";
import { useHarness } from "./harness.ts";

const mariadb = useOwnMariadb();
const harness = useHarness(mariadb);

beforeEach(harness.reset);

test("a restart of the database loses no effect, and repeats none at the receivers", async () => {
  await harness.stubSystems.control({ system: "message", mode: "slow", delayMs: 30 });
  const server = harness.startServer({ concurrency: 4, leaseMs: 1_000, ledgerWatchMs: 1_000 });
  const orders = Array.from({ length: 100 }, (_, index) => BigInt(index + 1));
  const kind = { orderSource: 2001, orderType: 31 };
  await server.change(...orders.map((orderId) => statusChanged({ orderId, toStatus: Status.DELIVERED, ...kind })));
  await harness.eventually(async () => {
    const { totals } = await harness.stubSystems.received({ system: "message" });
    expect(totals.message?.done ?? 0).toBeGreaterThan(5);
  });
  await mariadb.restart();
  await harness.allDone();
  expect(await harness.ledger()).toHaveLength(600);
  const { totals } = await harness.stubSystems.received();
  expect([totals.einvoice?.done, totals.finance?.done, totals.message?.done]).toEqual([100, 100, 100]);
  const settled = await harness.database().selectFrom("oms_db.oms_order_status_rule").select("message_id").execute();
  expect(new Set(settled.map(({ message_id }) => message_id)).size).toBe(100);
  expect(settled).toHaveLength(100);
});
