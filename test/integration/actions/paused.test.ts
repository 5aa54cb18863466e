import { beforeEach, expect, test } from "vitest";
import { Status } from "../../../src/domain/state-machine.ts";
import { statusChanged } from "../../support/events.ts";
import { useHarness } from "./harness.ts";

const harness = useHarness();

beforeEach(async () => {
  await harness.reset();
  await harness.database().deleteFrom("oms_db.oms_action_switch").execute();
});

const delivered = (orderId: bigint, version = 1) => statusChanged({ orderId, toStatus: Status.DELIVERED, version });

async function setPaused(action: string, paused: number): Promise<void> {
  const values = { action, paused, reason: "", caller: "test", operator: "test", change_time: new Date() };
  await harness
    .database()
    .insertInto("oms_db.oms_action_switch")
    .values(values)
    .onDuplicateKeyUpdate({ paused })
    .execute();
}

/** States of the ledger entries of one Action, by message id. */
async function statesOf(action: string): Promise<Record<string, string>> {
  const rows = await harness
    .database()
    .selectFrom("oms_db.oms_action_ledger")
    .select(["message_id", "state"])
    .where("action", "=", action)
    .orderBy("id")
    .execute();
  return Object.fromEntries(rows.map(({ message_id, state }) => [message_id, state]));
}

test("a paused Action's events wait, from the stream and from the ledger, and no others do", async () => {
  await setPaused("customer-message", 1);
  // Events that arrive during the pause run at the resume, not only after the sweep delay.
  const server = harness.startServer({ ledgerWatchMs: 600_000 });
  await server.change(delivered(1n), delivered(2n));
  await harness.eventually(async () => {
    expect(await statesOf("settlement-push")).toEqual({ "1-1": "DONE", "2-1": "DONE" });
  });
  // Long enough for many polls for due entries.
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(await statesOf("customer-message")).toEqual({ "1-1": "PENDING", "2-1": "PENDING" });
  expect((await harness.stubSystems.received({ system: "message" })).received).toEqual([]);

  await setPaused("customer-message", 0);
  await harness.allDone();
  const { received } = await harness.stubSystems.received({ system: "message" });
  expect(received.map(({ key, arrivals }) => [key, arrivals]).toSorted()).toEqual([
    ["1-1", 1],
    ["2-1", 1],
  ]);
});

test("an Action that is paused while it fails is not retried until it is resumed", async () => {
  await harness.stubSystems.control({ system: "finance", mode: "fail", times: 1, orderIds: ["1"] });
  const server = harness.startServer({ backOff: { baseMs: 600_000, capMs: 600_000 } });
  await server.change(statusChanged({ orderId: 1n, toStatus: Status.DELIVERED, version: 1, orderSource: 2001 }));
  await harness.eventually(async () => {
    expect(await statesOf("finance-push")).toEqual({ "1-1": "RETRYING" });
  });
  await setPaused("finance-push", 1);
  await harness.eventually(async () => {
    expect(await server.metrics.registry.metrics()).toContain('oms_action_paused{action="finance-push"} 1\n');
  });
  await harness.database().updateTable("oms_db.oms_action_ledger").set({ next_attempt_time: new Date() }).execute();
  // Long enough for many polls for due entries.
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(await statesOf("finance-push")).toEqual({ "1-1": "RETRYING" });
  await setPaused("finance-push", 0);
  await harness.allDone();
});
