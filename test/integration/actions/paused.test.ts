import { beforeEach, expect, test } from "vitest";
import { Status } from "../../../src/domain/state-machine.ts";
import { statusChanged } from "../../support/events.ts";
import { useHarness } from "./harness.ts";

const world = useHarness();

beforeEach(async () => {
  await world.reset();
  await world.database().deleteFrom("oms_db.oms_action_switch").execute();
});

const delivered = (orderId: bigint, version = 1) => statusChanged({ orderId, toStatus: Status.DELIVERED, version });

async function setPaused(action: string, paused: number): Promise<void> {
  const values = { action, paused, reason: "", caller: "test", operator: "test", change_time: new Date() };
  await world
    .database()
    .insertInto("oms_db.oms_action_switch")
    .values(values)
    .onDuplicateKeyUpdate({ paused })
    .execute();
}

/** States of the ledger rows of one Action, by message id. */
async function statesOf(action: string): Promise<Record<string, string>> {
  const rows = await world
    .database()
    .selectFrom("oms_db.oms_action_ledger")
    .select(["message_id", "state"])
    .where("action", "=", action)
    .orderBy("id")
    .execute();
  return Object.fromEntries(rows.map(({ message_id, state }) => [message_id, state]));
}

test("an Action that is held lets its events wait, from the stream and from the ledger, and no other Action's", async () => {
  await setPaused("customer-message", 1);
  // What comes while it is held runs when it goes on, and not only when it has lain for long enough.
  const server = world.startServer({ ledgerWatchMs: 600_000 });
  await server.change(delivered(1n), delivered(2n));
  await world.eventually(async () => {
    expect(await statesOf("settlement-push")).toEqual({ "1-1": "DONE", "2-1": "DONE" });
  });
  // Long enough for many looks at what is due.
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(await statesOf("customer-message")).toEqual({ "1-1": "PENDING", "2-1": "PENDING" });
  expect((await world.neighbours.received({ system: "message" })).received).toEqual([]);

  await setPaused("customer-message", 0);
  await world.allDone();
  const { received } = await world.neighbours.received({ system: "message" });
  expect(received.map(({ key, arrivals }) => [key, arrivals]).toSorted()).toEqual([
    ["1-1", 1],
    ["2-1", 1],
  ]);
});

test("an Action that is held while it fails is not tried again until it goes on", async () => {
  await world.neighbours.control({ system: "finance", mode: "fail", times: 1, orderIds: ["1"] });
  const server = world.startServer({ backOff: { baseMs: 1_500, capMs: 1_500 } });
  await server.change(statusChanged({ orderId: 1n, toStatus: Status.DELIVERED, version: 1, orderSource: 2001 }));
  await world.eventually(async () => {
    expect(await statesOf("finance-push")).toEqual({ "1-1": "RETRYING" });
  });
  await setPaused("finance-push", 1);
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  expect(await statesOf("finance-push")).toEqual({ "1-1": "RETRYING" });
  await setPaused("finance-push", 0);
  await world.allDone();
});
