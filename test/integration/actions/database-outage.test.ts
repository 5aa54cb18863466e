import { beforeEach, expect, test } from "vitest";
import { Status } from "../../../src/domain/state-machine.ts";
import { statusChanged } from "../../support/events.ts";
import { useOwnMariadb } from "../../support/servers.ts";
import { useHarness } from "./harness.ts";

const mariadb = useOwnMariadb();
const world = useHarness(mariadb);

beforeEach(world.reset);

test("a database that goes away and comes back leaves no effect undone, and the receivers see none twice", async () => {
  await world.neighbours.control({ system: "message", mode: "slow", delayMs: 30 });
  const server = world.startServer({ concurrency: 4, leaseMs: 1_000, ledgerWatchMs: 1_000 });
  const orders = Array.from({ length: 100 }, (_, index) => BigInt(index + 1));
  const kind = { orderSource: 2001, orderType: 31 };
  await server.change(...orders.map((orderId) => statusChanged({ orderId, toStatus: Status.DELIVERED, ...kind })));
  await world.eventually(async () => {
    const { totals } = await world.neighbours.received({ system: "message" });
    expect(totals.message?.done ?? 0).toBeGreaterThan(5);
  });
  await mariadb.restart();
  await world.allDone();
  expect(await world.ledger()).toHaveLength(600);
  const { totals } = await world.neighbours.received();
  expect([totals.einvoice?.done, totals.finance?.done, totals.message?.done]).toEqual([100, 100, 100]);
  const settled = await world.database().selectFrom("oms_db.oms_order_status_rule").select("message_id").execute();
  expect(new Set(settled.map(({ message_id }) => message_id)).size).toBe(100);
  expect(settled).toHaveLength(100);
});
