import { expect, test } from "vitest";
import { FlowState } from "../../../gen/oms/fulfilment/v1/fulfilment_service_pb.ts";
import { OrderStatus } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { flowIs, pay, reachesStatus, type Server, submit, useFlows } from "../../integration/flows/harness.ts";
import { eventually } from "../../support/eventually.ts";
import { oms } from "./oms.ts";

const world = useFlows();

/** A server with paid orders that the WMS rejects. */
async function withRejectedOrders(count: number): Promise<{ server: Server; orderIds: bigint[] }> {
  await world.stubSystems.control({ system: "wms/dispatch", mode: "refuse", reason: "仓库爆仓" });
  const server = await world.start();
  const orderIds: bigint[] = [];
  for (let index = 0; index < count; index += 1) {
    const orderId = await submit(server);
    await pay(server, orderId);
    orderIds.push(orderId);
  }
  for (const orderId of orderIds) {
    await flowIs(server, orderId, { step: "dispatch", state: FlowState.FAILED });
  }
  await world.stubSystems.reset();
  return { server, orderIds };
}

/** Runs a command, which must succeed, and returns its output. */
async function run({ service }: Server, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await oms(args, { server: `127.0.0.1:${service.grpcPort}` });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout;
}

test("a failed step is listed, explained and retried", async () => {
  const { server, orderIds } = await withRejectedOrders(1);
  const [orderId] = orderIds as [bigint];

  const flows = (await run(server, "flows", "--state", "failed", "--step", "dispatch")).split("\n");
  expect(flows[1]).toMatch(new RegExp(`^ *${orderId} {2}dispatch {2}FAILED {2} +1 `));
  expect(flows[1]).toContain("仓库爆仓");
  expect(await run(server, "order", "explain", String(orderId))).toMatch(
    /^flow {2}dispatch, FAILED, last error: .*仓库爆仓/m,
  );

  expect(await run(server, "flow", "retry", String(orderId), "--operator", "王芳")).toContain(
    `The flow of order ${orderId} is now `,
  );
  await reachesStatus(server, orderId, OrderStatus.WMS_DISPATCHED);
});

test("an order's parked Action is explained", async () => {
  const server = await world.start();
  const orderId = await submit(server);
  await pay(server, orderId);
  await reachesStatus(server, orderId, OrderStatus.WMS_DISPATCHED);
  await world.stubSystems.control({ system: "message", mode: "refuse", reason: "号码无效" });
  await server.client.updateOrderStatus({ orderId, status: OrderStatus.HANDED_OVER, operator: "wms" });
  await eventually(async () =>
    expect(await run(server, "order", "explain", String(orderId))).toMatch(
      new RegExp(`^customer-message +PARKED +1 +${orderId}-6 +.*号码无效`, "m"),
    ),
  );
});

// Starts some twenty processes, one after the other.
test("parked events are listed, retried, discarded and replayed, with a record of each intervention", {
  timeout: 90_000,
}, async () => {
  const { server, orderIds } = await withRejectedOrders(3);
  const [first, second, third] = orderIds.map(String) as [string, string, string];

  const actions = JSON.parse(await run(server, "actions", "--json")).actions;
  expect(actions.find(({ name }: { name: string }) => name === "dispatch")).toMatchObject({
    kind: "ACTION_KIND_STEP",
    parked: "3",
    paused: false,
  });
  const parked = (
    await run(server, "parked", "dispatch", "--error", "爆仓", "--since", "1h", "--orders", `${second}-`)
  ).split("\n");
  expect(parked[0]).toMatch(/^event +order +attempts +committed +parked +last error$/);
  expect(parked.slice(1, -1).map((line) => line.split(/ +/)[0])).toEqual([`${second}-4`, `${third}-4`]);
  expect(await run(server, "parked", "dispatch", "--error", "没有这个错误")).toBe(
    "dispatch has no parked events that match.\n",
  );

  expect(await run(server, "retry", "dispatch", "--all", "--dry-run")).toMatch(
    /^Dry run: 3 events of dispatch would be retried\.\n\nevent /,
  );
  await flowIs(server, BigInt(first), { state: FlowState.FAILED });

  const why = ["--operator", "王芳", "--reason", "仓库恢复了"];
  expect(await run(server, "retry", "dispatch", "--id", `${first}-4`, ...why)).toMatch(
    /^1 event of dispatch will be retried now/,
  );
  await reachesStatus(server, BigInt(first), OrderStatus.WMS_DISPATCHED);
  expect(await run(server, "discard", "dispatch", "--orders", second, ...why)).toMatch(
    /^1 event of dispatch discarded/,
  );
  expect(JSON.parse(await run(server, "retry", "dispatch", "--all", "--json", ...why))).toMatchObject({
    retriedCount: "1",
  });
  await reachesStatus(server, BigInt(third), OrderStatus.WMS_DISPATCHED);

  const made = await run(server, "order", "actions", second);
  expect(made).toMatch(new RegExp(`^${second}-4 +dispatch +DISCARDED +1 .*discard, 王芳 .*仓库爆仓`, "m"));
  expect(await run(server, "replay", "dispatch", "--order", second, ...why)).toMatch(/^1 event replayed to dispatch/);
  await reachesStatus(server, BigInt(second), OrderStatus.WMS_DISPATCHED);

  const { interventions } = JSON.parse(await run(server, "interventions", "--action", "dispatch", "--json"));
  // Older ones are from an earlier test.
  expect(
    interventions
      .slice(0, 4)
      .map(({ kind, affectedCount, caller, operator, reason }: Record<string, string>) => [
        kind,
        affectedCount,
        caller,
        operator,
        reason,
      ]),
  ).toEqual(
    ["REPLAY", "RETRY", "DISCARD", "RETRY"].map((kind) => [
      `INTERVENTION_KIND_${kind}`,
      "1",
      "oms-cli",
      "王芳",
      "仓库恢复了",
    ]),
  );
});

test("an Action is paused and resumed", async () => {
  const server = await world.start();
  expect(await run(server, "pause", "approve", "--reason", "盘点", "--operator", "王芳")).toBe(
    "approve is paused. To resume: oms resume approve\n",
  );
  const actions = await run(server, "actions");
  expect(actions).toMatch(/^approve +step .* s, 王芳: 盘点/m);
  expect(await run(server, "resume", "approve")).toBe("approve is resumed. To follow its progress: oms actions\n");
  expect(await run(server, "resume", "approve")).toBe("approve was not paused.\n");
  const orderId = await submit(server);
  await pay(server, orderId);
  await reachesStatus(server, orderId, OrderStatus.WMS_DISPATCHED);
  // The counts are up to a second old.
  await eventually(async () => expect(await run(server, "actions")).toMatch(/^approve +step +0 +0 +0 +[1-9]/m));
});

test("an unknown Action is an error", async () => {
  const { service } = await world.start();
  const { code, stderr } = await oms(["parked", "despatch"], { server: `127.0.0.1:${service.grpcPort}` });
  expect([code, stderr]).toEqual([1, expect.stringMatching(/dispatch.*\(NOT_FOUND\)/)]);
});
