import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject, test } from "vitest";
import { OrderStatus, Outcome } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { decodeEvent } from "../../../src/messaging/nats/codec.ts";
import { SERVICES } from "../../../src/transport/handlers/index.ts";
import { eventually } from "../../support/eventually.ts";
import { failure } from "../../support/failures.ts";
import { insertOrder } from "../../support/orders.ts";
import { startService, useService } from "../../support/service.ts";
import { AUDIENCE, createIssuer, ISSUER } from "./issuer.ts";

const issuer = await createIssuer();
const keys = join(inject("folder"), `jwks-operator-${process.pid}.json`);
writeFileSync(keys, issuer.jwks());
const ENV = {
  OMS_AUTH: "jwt",
  OMS_JWT_KEYS: keys,
  OMS_JWT_ISSUER: ISSUER,
  OMS_JWT_AUDIENCE: AUDIENCE,
  OMS_JWT_OPERATOR_CLAIM: "preferred_username",
};
const harness = useService(ENV);
const as = async (claims: { sub: string; preferred_username?: unknown }) => ({
  headers: { authorization: `Bearer ${await issuer.token({ ...claims, roles: ["operator"] })}` },
});
/** A console, through which a person acts who gives another name. */
const liWei = await as({ sub: "console", preferred_username: "李伟" });
const system = await as({ sub: "batch" });
const operator = "night shift";
const BOTH = { caller: "console", operator, authenticatedOperator: "李伟" };

/** The events of an order, decoded as a subscriber does. */
async function eventsOf(orderId: bigint) {
  const rows = await harness.db
    .selectFrom("oms_db.oms_outbox")
    .select(["subject", "body"])
    .where("order_id", "=", orderId)
    .orderBy("id")
    .execute();
  return rows.map(({ subject, body }) => decodeEvent(subject, body));
}

const rowsOf = (table: "oms_db.oms_cancel_request" | "oms_db.oms_return_request", orderId: bigint) =>
  harness.db
    .selectFrom(table as "oms_db.oms_cancel_request")
    .select(["caller", "operator", "authenticated_operator as authenticatedOperator"])
    .where("order_id", "=", orderId)
    .execute();

test("the history shows the person in the token beside the given operator", async () => {
  const orderId = await insertOrder(harness.db, Status.CREATED);
  const client = harness.client("gRPC");
  await client.updateOrderStatus({ orderId, status: OrderStatus.PAID, operator }, liWei);
  await client.updateOrderStatus({ orderId, status: OrderStatus.APPROVED, operator: "job 7" }, system);
  const { entries } = await client.listStatusHistory({ orderId }, liWei);
  expect(entries).toMatchObject([BOTH, { caller: "batch", operator: "job 7", authenticatedOperator: "" }]);
});

describe("every kind of event and record", () => {
  test("status change, pause, cancel", async () => {
    const orderId = await insertOrder(harness.db, Status.WMS_DISPATCHED);
    const client = harness.client("gRPC");
    const { reversal } = harness.clients("gRPC");
    await client.updateOrderStatus({ orderId, status: OrderStatus.WMS_ACCEPTED, operator }, liWei);
    await client.setOrderPause({ orderId, paused: true, operator }, liWei);
    await client.setOrderPause({ orderId, paused: false, operator }, liWei);
    await reversal.requestCancel({ orderId, operator }, liWei);
    expect(await rowsOf("oms_db.oms_cancel_request", orderId)).toEqual([BOTH]);
    await reversal.reportWmsAnswer({ orderId, agreed: true, operator }, liWei);
    const events = await eventsOf(orderId);
    expect(new Set(events.map(({ type }) => type))).toEqual(
      new Set(["status-changed", "pause-changed", "cancel-progressed"]),
    );
    expect(events).toMatchObject(events.map(() => BOTH));
    const { entries } = await client.listStatusHistory({ orderId }, liWei);
    expect(entries.map(({ authenticatedOperator }) => authenticatedOperator)).toEqual(["李伟", "李伟"]);
  });

  test("carrier, shipped quantities, return", async () => {
    const orderId = await insertOrder(harness.db, Status.HANDED_OVER);
    await harness.db
      .insertInto("oms_db.oms_order_detail")
      .values({ order_id: orderId, sku_id: 7n, quantity: 2 })
      .execute();
    const client = harness.client("gRPC");
    const delivery = { deliveryId: "642", deliveryCompany: "中通快递", waybillNo: "73177150934996" };
    await client.updateDeliveryInfo({ orderId, operator, ...delivery }, liWei);
    const lines = [{ skuId: 7n, quantity: 1 }];
    await client.recordShippedQuantities({ orderId, operator, lines }, liWei);
    await harness.clients("gRPC").reversal.requestReturn({ orderId, operator, lines }, liWei);
    expect(await rowsOf("oms_db.oms_return_request", orderId)).toEqual([BOTH]);
    const events = await eventsOf(orderId);
    expect(events.map(({ type }) => type)).toEqual([
      "delivery-changed",
      "quantities-shipped",
      "return-requested",
      "return-marked",
    ]);
    expect(events).toMatchObject(events.map(() => BOTH));
  });

  test("creation, and invoices, whose request has no operator", async () => {
    const client = harness.client("gRPC");
    const { orderId } = await harness.clients("gRPC").fulfilment.submitOrder(
      {
        orderSource: 1000,
        orderType: 1,
        lines: [{ skuId: 7n, quantity: 1, warehouseId: 1n }],
        invoice: { title: "a" },
        operator,
      },
      liWei,
    );
    await client.markInvoicesPrinted({ orderIds: [orderId] }, liWei);
    expect(await eventsOf(orderId)).toMatchObject([BOTH, { ...BOTH, operator: "" }]);
    expect((await client.listStatusHistory({ orderId }, liWei)).entries).toMatchObject([BOTH]);
  });
});

test("interventions, and the pause of an Action, show the person; ExplainOrder too", async () => {
  const { actions } = harness.clients("gRPC");
  await actions.pauseAction({ action: "e-invoice", operator, reason: "provider down" }, liWei);
  expect((await actions.listInterventions({}, liWei)).interventions[0]).toMatchObject(BOTH);
  const paused = (await actions.listActions({}, liWei)).actions.find(({ name }) => name === "e-invoice");
  expect(paused).toMatchObject({ pausedBy: operator, pauseAuthenticatedOperator: "李伟" });
  const orderId = await insertOrder(harness.db, Status.DELIVERED);
  const entry = { message_id: `${orderId}-1`, order_id: orderId, outbox_id: 0n, first_time: new Date() };
  await harness.db
    .insertInto("oms_db.oms_action_ledger")
    .values([
      { ...entry, action: "e-invoice", state: "PENDING", next_attempt_time: new Date() },
      { ...entry, action: "settlement-push", state: "PARKED" },
    ])
    .execute();
  expect((await harness.client("gRPC").explainOrder({ orderId }, liWei)).summary).toContain(
    "e-invoice is paused by 李伟, given as night shift: provider down",
  );
  const parked = { action: "settlement-push", messageIds: [`${orderId}-1`], reason: "wrong" };
  await actions.discardParked({ ...parked, operator }, liWei);
  const { entries } = await actions.getOrderActions({ orderId }, liWei);
  expect(entries.find(({ action }) => action === "settlement-push")?.intervention).toMatchObject(BOTH);
  await actions.resumeAction({ action: "e-invoice", operator: "job 7" }, system);
  expect((await actions.listInterventions({}, liWei)).interventions[0]).toMatchObject({
    caller: "batch",
    operator: "job 7",
    authenticatedOperator: "",
  });
});

test("the request log has both for every RPC with an operator", async () => {
  const { db } = harness;
  const orderId = await insertOrder(db, Status.CREATED);
  const rpcs = SERVICES.flatMap(({ methods }) => methods.filter(({ input }) => "operator" in input.field));
  // The requests fail: the log has failed ones as well.
  const clients = Object.values(harness.clients("gRPC")) as unknown as Record<
    string,
    (request: object, options: object) => Promise<unknown>
  >[];
  for (const { localName } of rpcs) {
    const client = clients.find((candidate) => typeof candidate === "object" && localName in candidate);
    await client?.[localName]?.({ orderId, operator }, liWei).catch(() => {});
  }
  await eventually(async () => {
    const rows = await db
      .selectFrom("oms_db.oms_request_log")
      .select(["rpc", "operator", "authenticated_operator"])
      .where("operator", "=", operator)
      .where("order_id", "in", [orderId, 0n])
      .execute();
    expect(new Set(rows.map(({ rpc }) => rpc))).toEqual(new Set(rpcs.map(({ name }) => name)));
    expect(new Set(rows.map((row) => row.authenticated_operator))).toEqual(new Set(["李伟"]));
  });
});

test("a repeat of a request by another person is the same request, and the first one is recorded", async () => {
  const orderId = await insertOrder(harness.db, Status.CREATED);
  const client = harness.client("gRPC");
  const request = { orderId, status: OrderStatus.PAID, operator, requestId: crypto.randomUUID() };
  const first = await client.updateOrderStatus(request, liWei);
  expect(first.outcome).toBe(Outcome.APPLIED);
  expect(await client.updateOrderStatus(request, await as({ sub: "console", preferred_username: "wang" }))).toEqual(
    first,
  );
  expect((await client.listStatusHistory({ orderId }, liWei)).entries).toMatchObject([BOTH]);
});

test.each([[""], [" "], ["x".repeat(65)], [7], [null], [["li"]], ["li\nwang"], ["li\u202egnaw"]])(
  "a token that names a person by %j is rejected",
  async (preferred_username) => {
    const orderId = await insertOrder(harness.db, Status.CREATED);
    const options = await as({ sub: "console", preferred_username });
    expect(await failure(harness.client("gRPC").getOrderStatus({ orderId }, options))).toEqual({
      code: "Unauthenticated",
      message: "token claim preferred_username must name a person in 1 to 64 printable characters",
      details: {},
    });
  },
);

test("by default the person is the subject of the token; a legacy caller has none", async () => {
  const { OMS_JWT_OPERATOR_CLAIM: _, ...env } = ENV;
  const tokenSha256 = [createHash("sha256").update("token-of-pay").digest("hex")];
  const callers = { OMS_LEGACY_CALLERS: JSON.stringify({ pay: { tokenSha256 } }) };
  const service = await startService(harness.location, {}, { ...env, ...callers });
  try {
    const recorded = async (headers: Record<string, string>) => {
      const orderId = await insertOrder(harness.db, Status.CREATED);
      const query = `orderId=${orderId}&status=1010&operator=x`;
      await fetch(`http://127.0.0.1:${service.httpPort}/services/orderStatus/updateOrderStatus?${query}`, { headers });
      const { entries } = await harness.client("gRPC").listStatusHistory({ orderId }, liWei);
      return entries.map(({ caller, operator, authenticatedOperator }) => [caller, operator, authenticatedOperator]);
    };
    expect(await recorded((await as({ sub: "li.wei" })).headers)).toEqual([["li.wei", "x", "li.wei"]]);
    expect(await recorded({ authorization: "Bearer token-of-pay" })).toEqual([["pay", "x", ""]]);
  } finally {
    await service.stop();
  }
});
