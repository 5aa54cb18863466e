import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DescMethod } from "@bufbuild/protobuf";
import { describe, expect, inject, test } from "vitest";
import { OrderStatus } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { SCOPED_RPCS } from "../../../src/transport/auth/scoped-rpcs.ts";
import { RPC_NAMES, SERVICES } from "../../../src/transport/handlers/index.ts";
import { LEGACY_METHODS } from "../../../src/transport/legacy/methods.ts";
import { type Clients, TRANSPORTS, type TransportName } from "../../support/clients.ts";
import { eventually } from "../../support/eventually.ts";
import { type Failure, failure, plain } from "../../support/failures.ts";
import { insertOrder, lockRow, nextOrderId } from "../../support/orders.ts";
import { useService } from "../../support/service.ts";
import { envelope, wrapper } from "../legacy/envelopes.ts";
import { LEGACY_RPCS, type LegacyRpc } from "../legacy/rpcs.ts";
import { legacyRequestOf } from "../legacy/sample-calls.ts";
import type { Value } from "../legacy/send.ts";
import { AUDIENCE, createIssuer, ISSUER } from "./issuer.ts";

const MEITUAN = 2001;
const OWN_SHOP = 1000;
const REPORTERS = ["intake", "Pay", "forward flow", "WMS", "TMS", "DMS", "front end", "reversal flow"];
const LEGACY_TOKEN = "token-of-meituan";

const issuer = await createIssuer();
const keys = join(inject("folder"), `jwks-sources-${process.pid}.json`);
const permissions = join(inject("folder"), `permissions-sources-${process.pid}.json`);
writeFileSync(keys, issuer.jwks());
writeFileSync(
  permissions,
  JSON.stringify({
    roles: {
      all: { rpcs: ["*"], reportsAs: REPORTERS },
      meituan: { rpcs: ["*"], reportsAs: REPORTERS, orderSources: [MEITUAN] },
    },
    legacyCallers: { meituan: ["meituan"] },
  }),
);
const harness = useService({
  OMS_AUTH: "jwt",
  OMS_JWT_KEYS: keys,
  OMS_JWT_ISSUER: ISSUER,
  OMS_JWT_AUDIENCE: AUDIENCE,
  OMS_PERMISSIONS_FILE: permissions,
  OMS_LEGACY_CALLERS: JSON.stringify({
    meituan: { tokenSha256: [createHash("sha256").update(LEGACY_TOKEN).digest("hex")] },
  }),
});
const as = async (sub: string, roles = [sub]) => ({
  headers: { authorization: `Bearer ${await issuer.token({ sub, roles })}` },
});
const meituan = await as("meituan");

type Request = Readonly<Record<string, unknown>>;

/** How an RPC treats a caller that is restricted to an order source. */
type Row =
  /** It names orders: the request about an order. */
  | ((orderId: bigint) => Request)
  /** It names none, and answers everyone alike. */
  | "names no order"
  /** It spans the orders of all sources, and is refused. */
  | "refused"
  /** It has a test of its own. */
  | "own test";

const operator = "li";
const aboutOrder = (orderId: bigint) => ({ orderId });
const byOperator = (orderId: bigint) => ({ orderId, operator });

/** One row for each RPC of the contract. */
const ROWS: Readonly<Record<string, Row>> = {
  "OrderStatusService/PauseForCancel": byOperator,
  "OrderStatusService/PauseForRejection": byOperator,
  "OrderStatusService/ReturnOrder": byOperator,
  "OrderStatusService/SetOrderPause": (orderId) => ({ orderId, operator, paused: true }),
  "OrderStatusService/GetPaymentStatus": aboutOrder,
  "OrderStatusService/CancelOrder": byOperator,
  "OrderStatusService/GetOrderStatus": aboutOrder,
  "OrderStatusService/UpdateOrderStatus": (orderId) => ({ orderId, operator, status: OrderStatus.WMS_ACCEPTED }),
  "OrderStatusService/CheckPayable": aboutOrder,
  "OrderStatusService/GetMaxSubOrderStatus": (rootOrderId) => ({ rootOrderId }),
  "OrderStatusService/ListOrderSources": "names no order",
  "OrderStatusService/ListShipmentTypes": "names no order",
  "OrderStatusService/MarkInvoicesPrinted": (orderId) => ({ orderIds: [orderId], invoiceTitle: "new" }),
  "OrderStatusService/UpdateDeliveryInfo": (orderId) => ({
    orderId,
    operator,
    deliveryId: "642",
    deliveryCompany: "中通快递",
    waybillNo: "73177150934996",
  }),
  "OrderStatusService/RecordShippedQuantities": (orderId) => ({
    orderId,
    operator,
    lines: [{ skuId: 7n, quantity: 1 }],
  }),
  "OrderStatusService/BatchUpdateOrderStatus": (orderId) => ({
    updates: [{ orderId, operator, status: OrderStatus.WMS_ACCEPTED }],
  }),
  "OrderStatusService/BatchGetOrderStatus": (orderId) => ({ orderIds: [orderId] }),
  "OrderStatusService/ListStatusHistory": aboutOrder,
  "OrderStatusService/WatchOrderStatus": (orderId) => ({ orderIds: [orderId] }),
  "OrderStatusService/ExplainOrder": aboutOrder,
  "OrderStatusService/DescribeStateMachine": "names no order",
  "FulfilmentService/SubmitOrder": "own test",
  "FulfilmentService/GetOrderFlow": aboutOrder,
  "FulfilmentService/ListOrderFlows": "refused",
  "FulfilmentService/RetryOrderFlow": byOperator,
  "OrderReversalService/RequestCancel": byOperator,
  "OrderReversalService/GetCancel": aboutOrder,
  "OrderReversalService/ReportWmsAnswer": (orderId) => ({ orderId, operator, agreed: true }),
  "OrderReversalService/RequestReturn": (orderId) => ({ orderId, operator, lines: [{ skuId: 7n, quantity: 1 }] }),
  "OrderReversalService/ListReturnDetails": (orderId) => ({ orderIds: [orderId] }),
  "ActionService/ListActions": "refused",
  "ActionService/GetOrderActions": aboutOrder,
  "ActionService/ListParked": "refused",
  "ActionService/RetryParked": "refused",
  "ActionService/DiscardParked": "refused",
  "ActionService/Replay": "refused",
  "ActionService/PauseAction": "refused",
  "ActionService/ResumeAction": "refused",
  "ActionService/ListInterventions": "refused",
  "ShadowService/ListShadowMethods": "refused",
  "ShadowService/ListShadowDifferences": "refused",
};

const METHODS: ReadonlyMap<string, DescMethod> = new Map(
  SERVICES.flatMap((service) => service.methods.map((method) => [`${service.name}/${method.name}`, method])),
);
const CLIENTS: Readonly<Record<string, keyof Clients>> = {
  OrderStatusService: "client",
  FulfilmentService: "fulfilment",
  OrderReversalService: "reversal",
  ActionService: "actions",
  ShadowService: "shadow",
};

/** The answer of an RPC, or its failure; of a stream the first message. */
async function answerOf(
  transport: TransportName,
  rpc: string,
  request: Request,
  options: { headers: Record<string, string> },
): Promise<unknown> {
  const { parent, localName, methodKind } = METHODS.get(rpc) as DescMethod;
  const client = harness.clients(transport)[CLIENTS[parent.name] as keyof Clients] as unknown as Record<
    string,
    (request: Request, options: object) => unknown
  >;
  const answer = client[localName]?.(request, options);
  const message =
    methodKind === "server_streaming"
      ? (answer as AsyncIterable<unknown>)[Symbol.asyncIterator]().next()
      : (answer as Promise<unknown>);
  return message.then(
    (received) => plain(received),
    () => failure(message),
  );
}

/** A text in which the id of the order is replaced, for comparison. */
function textOf(answer: unknown, orderId: bigint): string {
  const text =
    typeof answer === "string" ? answer : JSON.stringify(answer, (_, x) => (typeof x === "bigint" ? `${x}` : x));
  return text.replaceAll(String(orderId), "ORDER");
}

/** An order of a source with everything that an RPC can return of it. */
async function insertFullOrder(orderSource: number): Promise<bigint> {
  const { db } = harness;
  const time = new Date();
  const orderId = await insertOrder(db, Status.WMS_DISPATCHED, {
    main: { order_source: orderSource, create_date: time },
    state: { warehouse_count: 1, version: 1 },
  });
  await db
    .insertInto("oms_db.oms_order_line")
    .values({ order_id: orderId, sku_id: 7n, warehouse_id: 1n, quantity: 3 })
    .execute();
  await db.insertInto("oms_db.oms_order_invoice").values({ order_id: orderId, invoice_title: "old" }).execute();
  await db
    .insertInto("ordercancel_db.order_return_detail")
    .values({ order_id: orderId, return_id: orderId, sku_id: 7n, quantity: 1 })
    .execute();
  await db
    .insertInto("oms_db.oms_cancel_request")
    .values({
      cancel_id: orderId,
      order_id: orderId,
      state: "WAITING_FOR_WMS",
      verdict: "ASK_WMS",
      reason: "",
      caller: "shop",
      operator: "x",
      request_time: time,
    })
    .execute();
  await db
    .insertInto("oms_db.oms_status_history")
    .values({
      order_id: orderId,
      version: 1,
      from_status: 0,
      to_status: Status.WMS_DISPATCHED,
      outcome: "APPLIED",
      occur_time: time,
      record_time: time,
      caller: "shop",
      operator: "x",
      request_id: "",
      remark: "",
      traceparent: "",
    })
    .execute();
  await db
    .insertInto("oms_db.oms_action_ledger")
    .values({
      message_id: `${orderId}-1`,
      action: "dispatch",
      order_id: orderId,
      outbox_id: 0n,
      state: "DONE",
      first_time: time,
    })
    .execute();
  return orderId;
}

const TABLES = [
  "oms_db.oms_order_main",
  "oms_db.oms_order_status",
  "oms_db.oms_order_invoice",
  "oms_db.oms_order_delivery_main",
  "oms_db.oms_order_detail_exp",
  "oms_db.oms_status_history",
  "oms_db.oms_outbox",
  "oms_db.oms_action_ledger",
  "oms_db.oms_cancel_request",
  "oms_db.oms_return_request",
  "oms_db.oms_request",
  "ordercancel_db.oms_order_cancel",
  "ordercancel_db.order_return_detail",
] as const;

/** All rows of an order. */
const rowsOf = (orderId: bigint) =>
  Promise.all(
    TABLES.map((table) =>
      harness.db
        .selectFrom(table as "oms_db.oms_order_main")
        .selectAll()
        .where("order_id", "=", orderId)
        .execute(),
    ),
  );

test("the table has a row for each RPC, and agrees with the RPCs that such a caller may call", () => {
  expect(Object.keys(ROWS).toSorted()).toEqual(RPC_NAMES.toSorted());
  expect(RPC_NAMES.filter((rpc) => ROWS[rpc] !== "refused").toSorted()).toEqual([...SCOPED_RPCS].toSorted());
});

const rowsWhere = (filter: (row: Row) => boolean) => RPC_NAMES.filter((rpc) => filter(ROWS[rpc] as Row));

describe.each(Object.keys(TRANSPORTS) as TransportName[])("%s", (transport) => {
  test.each(rowsWhere((row) => typeof row === "function"))(
    "%s answers an order of another source like an unknown one, and changes nothing of it",
    async (rpc) => {
      const request = ROWS[rpc] as (orderId: bigint) => Request;
      const [own, foreign, unknown] = [await insertFullOrder(MEITUAN), await insertFullOrder(OWN_SHOP), nextOrderId()];
      const before = await rowsOf(foreign);
      const answers = new Map<bigint, string>();
      for (const orderId of [foreign, unknown, own]) {
        answers.set(orderId, textOf(await answerOf(transport, rpc, request(orderId), meituan), orderId));
      }
      expect(answers.get(foreign)).toBe(answers.get(unknown));
      expect(answers.get(own)).not.toBe(answers.get(unknown));
      expect(await rowsOf(foreign)).toEqual(before);
      const unrestricted = await answerOf(transport, rpc, request(foreign), await as("all"));
      expect(textOf(unrestricted, foreign)).not.toBe(answers.get(unknown));
    },
  );

  test.each(rowsWhere((row) => row === "refused"))("%s is refused", async (rpc) => {
    expect(await answerOf(transport, rpc, {}, meituan)).toEqual({
      code: "PermissionDenied",
      message: `meituan is restricted to orders of source 2001; ${rpc} spans the orders of all sources`,
      details: {},
    });
  });

  test.each(rowsWhere((row) => row === "names no order"))("%s answers as without a restriction", async (rpc) => {
    const answer = await answerOf(transport, rpc, {}, meituan);
    expect(answer).toEqual(await answerOf(transport, rpc, {}, await as("all")));
    expect((answer as Partial<Failure>).code).toBeUndefined();
  });

  test("SubmitOrder creates orders of the caller's own sources, with generated ids, in its own trades", async () => {
    const { fulfilment } = harness.clients(transport);
    const order = { orderSource: MEITUAN, orderType: 1, lines: [{ skuId: 7n, quantity: 1, warehouseId: 1n }] };
    const { orderId } = await fulfilment.submitOrder(order, meituan);
    expect((await harness.client(transport).getOrderStatus({ orderId }, meituan)).orderStatus).toBe(Status.CREATED);
    const child = await fulfilment.submitOrder({ ...order, rootParentId: orderId }, meituan);
    expect(child.orderId).not.toBe(orderId);

    expect(await failure(fulfilment.submitOrder({ ...order, orderSource: OWN_SHOP }, meituan))).toEqual({
      code: "PermissionDenied",
      message: "order_source: meituan is restricted to orders of source 2001, was 1000",
      details: {},
    });
    const foreign = await insertFullOrder(OWN_SHOP);
    for (const id of [foreign, orderId, nextOrderId()]) {
      expect(await failure(fulfilment.submitOrder({ ...order, orderId: id }, meituan))).toMatchObject({
        code: "PermissionDenied",
        message: `order_id: meituan is restricted to orders of source 2001 and gets a generated id: must be 0, was ${id}`,
      });
    }
    for (const rootParentId of [foreign, nextOrderId()]) {
      expect(await failure(fulfilment.submitOrder({ ...order, rootParentId }, meituan))).toEqual({
        code: "NotFound",
        message: `there is no order ${rootParentId}`,
        details: {},
      });
    }
  });
});

test("in a batch only the orders of other sources are unknown; an order's reports stay in sequence", async () => {
  const [own, foreign] = [await insertFullOrder(MEITUAN), await insertFullOrder(OWN_SHOP)];
  const client = harness.client("gRPC");
  const reports = [OrderStatus.WMS_ACCEPTED, OrderStatus.PICKING, OrderStatus.PACKED];
  const { results } = await client.batchUpdateOrderStatus(
    { updates: reports.flatMap((status) => [foreign, own].map((orderId) => ({ orderId, status, operator }))) },
    meituan,
  );
  expect(
    results.map(({ result }) => (result.case === "response" ? Number(result.value.version) : result.value?.message)),
  ).toEqual([2, 3, 4].flatMap((version) => [`there is no order ${foreign}`, version]));
  const { statuses, missingOrderIds } = await client.batchGetOrderStatus({ orderIds: [foreign, own] }, meituan);
  expect([statuses.map(({ orderId }) => orderId), missingOrderIds]).toEqual([[own], [foreign]]);
  const { details } = await harness.clients("gRPC").reversal.listReturnDetails({ orderIds: [foreign, own] }, meituan);
  expect(details.map(({ orderId }) => orderId)).toEqual([own]);
  const marked = await client.markInvoicesPrinted({ orderIds: [foreign, own], invoiceTitle: "new" }, meituan);
  expect([marked.updatedCount, marked.missingOrderIds]).toEqual([1, [foreign]]);
});

test("an order without a source belongs to no source", async () => {
  const orderId = await insertOrder(harness.db, Status.CREATED, { main: { order_source: null } });
  const client = harness.client("gRPC");
  expect((await failure(client.getOrderStatus({ orderId }, meituan))).code).toBe("NotFound");
  expect((await failure(client.cancelOrder({ orderId, operator }, meituan))).code).toBe("NotFound");
});

test("of a trade with orders of several sources, the others are missing, also those that come later", async () => {
  const root = await insertFullOrder(MEITUAN);
  const member = { parent_id: root, root_parent_id: root };
  const own = await insertOrder(harness.db, Status.PAID, { main: { ...member, order_source: MEITUAN } });
  const foreign = await insertOrder(harness.db, Status.PACKED, { main: { ...member, order_source: OWN_SHOP } });
  const client = harness.client("gRPC");
  const { orderStatus } = await client.getMaxSubOrderStatus({ rootOrderId: root }, meituan);
  expect(orderStatus).toBe(Status.WMS_DISPATCHED);
  const { childOrderIds } = await harness.clients("gRPC").fulfilment.getOrderFlow({ orderId: root }, meituan);
  expect(childOrderIds).toEqual([own]);

  const updates = client.watchOrderStatus({ rootOrderId: root }, meituan)[Symbol.asyncIterator]();
  const orderOf = async () => ((await updates.next()).value?.update.value as { orderId: bigint } | undefined)?.orderId;
  expect([await orderOf(), await orderOf()]).toEqual([root, own]);
  // Each order is new to the feed, and comes to the trade with its first change.
  const lines = [{ skuId: 7n, quantity: 1, warehouseId: 1n }];
  const submit = async (orderSource: number) =>
    (
      await harness
        .clients("gRPC")
        .fulfilment.submitOrder({ rootParentId: root, orderSource, orderType: 1, lines }, await as("all"))
    ).orderId;
  const later = [await submit(OWN_SHOP), await submit(MEITUAN)];
  const report = { status: OrderStatus.PAID, operator };
  await client.updateOrderStatus({ orderId: later[0] as bigint, ...report }, await as("all"));
  await client.updateOrderStatus({ orderId: foreign, status: OrderStatus.HANDED_OVER, operator }, await as("all"));
  await client.updateOrderStatus({ orderId: later[1] as bigint, ...report }, await as("all"));
  expect(await orderOf()).toBe(later[1]);
  await updates.return?.();
});

test("a cancel of a split order reaches its child orders of the caller's sources only", async () => {
  const main = { order_source: MEITUAN, is_parent: 1 };
  const root = await insertOrder(harness.db, Status.SPLIT, { main });
  const member = { parent_id: root, root_parent_id: root };
  const own = await insertOrder(harness.db, Status.PAID, { main: { ...member, order_source: MEITUAN } });
  const foreign = await insertOrder(harness.db, Status.PAID, { main: { ...member, order_source: OWN_SHOP } });
  const before = await rowsOf(foreign);
  const { children } = await harness.clients("gRPC").reversal.requestCancel({ orderId: root, operator }, meituan);
  expect(children.map(({ orderId }) => orderId)).toEqual([own]);
  expect(await rowsOf(foreign)).toEqual(before);
});

test("a caller's own entry lacks the intervention, whose text may name orders of others", async () => {
  const orderId = await insertFullOrder(MEITUAN);
  const { insertId } = await harness.db
    .insertInto("oms_db.oms_intervention")
    .values({
      kind: "RETRY",
      action: "dispatch",
      selection: "events 1-1, 2-1",
      caller: "x",
      operator: "x",
      record_time: new Date(),
    })
    .executeTakeFirstOrThrow();
  await harness.db
    .updateTable("oms_db.oms_action_ledger")
    .set({ intervention_id: insertId as bigint })
    .where("order_id", "=", orderId)
    .execute();
  const { actions } = harness.clients("gRPC");
  const selections = async (options: { headers: Record<string, string> }) =>
    (await actions.getOrderActions({ orderId }, options)).entries.map(({ intervention }) => intervention?.selection);
  expect(await selections(meituan)).toEqual([undefined]);
  expect(await selections(await as("all"))).toEqual(["events 1-1, 2-1"]);
});

test("one restricted role restricts a caller in spite of its other roles", async () => {
  const [own, foreign] = [await insertFullOrder(MEITUAN), await insertFullOrder(OWN_SHOP)];
  const both = await as("li", ["all", "meituan"]);
  const client = harness.client("gRPC");
  expect((await client.getOrderStatus({ orderId: own }, both)).orderId).toBe(own);
  expect((await failure(client.getOrderStatus({ orderId: foreign }, both))).code).toBe("NotFound");
});

test("a locked order of another source is answered without waiting for its lock", async () => {
  const foreign = await insertFullOrder(OWN_SHOP);
  const { locked, unlock } = await lockRow(harness.db, foreign);
  const client = harness.client("gRPC");
  const report = { orderId: foreign, status: OrderStatus.WMS_ACCEPTED, operator };
  let waiting: Promise<unknown> = Promise.resolve();
  try {
    // Another caller's report of the same order waits for the lock, in the queue of the committer.
    waiting = client.updateOrderStatus(report, await as("all"));
    // These return while the lock is held.
    await eventually(async () => {
      expect((await failure(client.updateOrderStatus(report, meituan))).code).toBe("NotFound");
      expect((await failure(client.returnOrder({ orderId: foreign, operator }, meituan))).code).toBe("NotFound");
    });
  } finally {
    unlock();
    await locked;
  }
  await waiting;
});

test("an order of another source takes as long as an unknown one", { retry: 3 }, async () => {
  const client = harness.client("gRPC");
  const foreign = await insertFullOrder(OWN_SHOP);
  const times: Record<"foreign" | "unknown", number[]> = { foreign: [], unknown: [] };
  for (let round = 0; round < 150; round += 1) {
    for (const [which, orderId] of [
      ["foreign", foreign],
      ["unknown", nextOrderId()],
    ] as const) {
      const startedAt = performance.now();
      await failure(client.updateOrderStatus({ orderId, status: OrderStatus.WMS_ACCEPTED, operator }, meituan));
      times[which].push(performance.now() - startedAt);
    }
  }
  const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length / 2] as number;
  const ratio = median(times.foreign) / median(times.unknown);
  // Both run the one query; a commit would take several times as long.
  expect(ratio).toBeGreaterThan(0.6);
  expect(ratio).toBeLessThan(1.7);
});

describe("legacy methods", () => {
  const authorization = `Bearer ${LEGACY_TOKEN}`;
  const base = () => `http://127.0.0.1:${harness.service.httpPort}/services`;
  const rows = LEGACY_METHODS.flatMap(({ rpc, name, service }) => {
    const row = ROWS[`${rpc.parent.name}/${rpc.name}`];
    return typeof row === "function" ? [{ name, service, rpc: rpc.localName as LegacyRpc, request: row }] : [];
  });

  test("all that name an order are tested", () => {
    expect(rows.map(({ rpc }) => rpc).toSorted()).toEqual(
      Object.keys(LEGACY_RPCS)
        .filter((rpc) => rpc !== "listOrderSources" && rpc !== "listShipmentTypes")
        .toSorted(),
    );
  });

  const overHttp = async (path: string, parameters: Readonly<Record<string, unknown>>) => {
    const pairs = Object.entries(parameters).map(([name, value]): [string, string] => [name, String(value)]);
    const query = new URLSearchParams(pairs);
    const response = await fetch(`${base()}/${path}?${query}`, { headers: { authorization } });
    return `${response.status} ${response.headers.get("oms-code")} ${response.headers.get("oms-reason")} ${await response.text()}`;
  };
  const overSoap = async (path: string, parameters: Readonly<Record<string, unknown>>) => {
    const [service, method = ""] = path.split("/");
    const xml = Object.entries(parameters).map(([name, value]) => `<${name}>${value}</${name}>`);
    const response = await fetch(`${base()}/${service}`, {
      method: "POST",
      headers: { authorization, "content-type": "text/xml;charset=utf-8" },
      body: envelope(wrapper(method, xml.join(""))),
    });
    const text = (await response.text()).replace(/(<\w+:callId [^>]*>)[^<]+/, "$1…");
    return `${response.status} ${text}`;
  };

  describe.each([
    ["HTTP", overHttp],
    ["SOAP", overSoap],
  ])("over %s", (_, send) => {
    test.each(rows)("$name answers an order of another source like an unknown one", async ({ rpc, request }) => {
      const [own, foreign, unknown] = [await insertFullOrder(MEITUAN), await insertFullOrder(OWN_SHOP), nextOrderId()];
      const before = await rowsOf(foreign);
      const answers = new Map<bigint, string>();
      for (const orderId of [foreign, unknown, own]) {
        const { service, method, parameters } = legacyRequestOf({
          rpc,
          request: request(orderId) as Readonly<Record<string, Value>>,
        });
        answers.set(orderId, textOf(await send(`${service}/${method}`, parameters), orderId));
      }
      expect(answers.get(foreign)).toBe(answers.get(unknown));
      expect(answers.get(own)).not.toBe(answers.get(unknown));
      expect(await rowsOf(foreign)).toEqual(before);
    });
  });
});
