import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { describe, expect, inject, test } from "vitest";
import { OrderStatus, Outcome } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { OrderStatusService } from "../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { choosePort } from "../../../tools/devstack/ports.ts";
import { oms } from "../../e2e/cli/oms.ts";
import { TRANSPORTS, type TransportName } from "../../support/clients.ts";
import { eventually } from "../../support/eventually.ts";
import { failure } from "../../support/failures.ts";
import { insertOrder, nextOrderId } from "../../support/orders.ts";
import { startService, useService } from "../../support/service.ts";
import { AUDIENCE, createIssuer, ISSUER } from "./issuer.ts";

const issuer = await createIssuer();
const keys = join(inject("folder"), `jwks-${process.pid}.json`);
writeFileSync(keys, issuer.jwks());
const ENV = { OMS_AUTH: "jwt", OMS_JWT_KEYS: keys, OMS_JWT_ISSUER: ISSUER, OMS_JWT_AUDIENCE: AUDIENCE };
const harness = useService(ENV);
const bearer = async (sub: string, roles: unknown = [sub]) => ({
  headers: { authorization: `Bearer ${await issuer.token({ sub, roles })}` },
});

/** The answer, with the reason of a failure that has it in a header. */
async function legacyCall(path: string, headers: Record<string, string> = {}): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${harness.service.httpPort}/services/${path}`, { headers });
  return (await response.text()) + decodeURIComponent(response.headers.get("oms-reason")?.replace(/^/, ": ") ?? "");
}

describe.each(Object.keys(TRANSPORTS) as TransportName[])("%s", (transport) => {
  const client = () => harness.client(transport);

  test("without a token every request is rejected alike", async () => {
    const orderId = await insertOrder(harness.db, Status.CREATED);
    const unauthenticated = {
      code: "Unauthenticated",
      message: "authentication required: present a bearer token",
      details: {},
    };
    const status = OrderStatus.PAID;
    for (const call of [
      client().getOrderStatus({ orderId }),
      client().getOrderStatus({ orderId: nextOrderId() }),
      client().getOrderStatus({ orderId: -1n }),
      client().updateOrderStatus({ orderId, status, operator: "x" }),
      client().batchUpdateOrderStatus({ updates: [{ orderId, status, operator: "x" }] }),
      harness.clients(transport).actions.listActions({}),
      client().getOrderStatus({ orderId }, { headers: { "oms-caller": "operator" } }),
    ]) {
      expect(await failure(call)).toEqual(unauthenticated);
    }
    const forged = { headers: { authorization: `Bearer ${(await issuer.token()).slice(0, -4)}AAAA` } };
    expect((await failure(client().getOrderStatus({ orderId }, forged))).code).toBe("Unauthenticated");
    const watch = client()
      .watchOrderStatus({ orderIds: [orderId] })
      [Symbol.asyncIterator]();
    expect(await failure(watch.next())).toEqual(unauthenticated);
  });

  test("the caller in history and request log is the name in the token, not in the header", async () => {
    const orderId = await insertOrder(harness.db, Status.CREATED);
    const { headers } = await bearer("pay-7", ["pay"]);
    await client().updateOrderStatus(
      { orderId, status: OrderStatus.PAID, operator: "x" },
      { headers: { ...headers, "oms-caller": "tms" } },
    );
    const { entries } = await client().listStatusHistory({ orderId }, { headers });
    expect(entries.map(({ caller }) => caller)).toEqual(["pay-7"]);
    await eventually(async () =>
      expect(
        await harness.db
          .selectFrom("oms_db.oms_request_log")
          .select(["caller", "code"])
          .where("order_id", "=", orderId)
          .execute(),
      ).toEqual([{ caller: "pay-7", code: "OK" }]),
    );
  });

  test("a role can call its RPCs only", async () => {
    const orderId = await insertOrder(harness.db, Status.CREATED);
    const tms = await bearer("tms");
    expect(await failure(client().cancelOrder({ orderId, operator: "x" }, tms))).toEqual({
      code: "PermissionDenied",
      message: "role tms lacks permission for OrderStatusService/CancelOrder",
      details: {},
    });
    expect((await failure(harness.clients(transport).actions.listActions({}, tms))).code).toBe("PermissionDenied");
    expect((await failure(harness.clients(transport).fulfilment.submitOrder({}, tms))).code).toBe("PermissionDenied");
    expect((await client().getOrderStatus({ orderId }, tms)).orderStatus).toBe(Status.CREATED);
  });

  test.each([[undefined], [[]], ["operator"], [["operator", 7]], [{ 0: "operator" }], [null]])(
    "the roles %j in a token are none, even for a caller named like a role",
    async (roles) => {
      const orderId = await insertOrder(harness.db, Status.CREATED);
      const headers = { authorization: `Bearer ${await issuer.token({ sub: "operator", roles })}` };
      expect(await failure(client().getOrderStatus({ orderId }, { headers }))).toMatchObject({
        code: "PermissionDenied",
        message:
          "operator (roles: none) lacks permission for OrderStatusService/GetOrderStatus; its token has no list of role names in the claim roles",
      });
      const path = `orderStatus/updateOrderStatus?orderId=${orderId}&status=1010`;
      expect(await legacyCall(path, headers)).toContain(
        "修改订单状态失败: 没有权限: operator (roles: none) lacks permission",
      );
      expect((await fetch(`http://127.0.0.1:${harness.service.httpPort}/metrics`, { headers })).status).toBe(403);
    },
  );

  test("a carrier cannot report PAID: the response is the same for an unknown order", async () => {
    const tms = await bearer("tms");
    const denied = {
      code: "PermissionDenied",
      message: "status: tms may not report PAID (1010); it is reported by Pay",
      details: {},
    };
    const report = { status: OrderStatus.PAID, operator: "x" };
    const there = await insertOrder(harness.db, Status.CREATED);
    expect(await failure(client().updateOrderStatus({ orderId: there, ...report }, tms))).toEqual(denied);
    expect(await failure(client().updateOrderStatus({ orderId: nextOrderId(), ...report }, tms))).toEqual(denied);
    expect((await client().getOrderStatus({ orderId: there }, tms)).orderStatus).toBe(Status.CREATED);
  });

  test("request ids are separate for each caller", async () => {
    const [orderId, other] = [
      await insertOrder(harness.db, Status.CREATED),
      await insertOrder(harness.db, Status.WMS_DISPATCHED),
    ];
    const requestId = crypto.randomUUID();
    const [wms, pay] = [await bearer("wms"), await bearer("pay")];
    const lines = [{ skuId: 7n, quantity: 0 }];
    await client().recordShippedQuantities({ orderId: other, lines, operator: "x", requestId }, wms);
    const paid = { orderId, status: OrderStatus.PAID, operator: "x", requestId };
    const first = await client().updateOrderStatus(paid, pay);
    expect(first.outcome).toBe(Outcome.APPLIED);
    expect(await client().updateOrderStatus(paid, pay)).toEqual(first);
    expect((await failure(client().updateOrderStatus({ ...paid, remark: "other" }, pay))).code).toBe("AlreadyExists");
    expect((await client().listStatusHistory({ orderId }, pay)).entries[0]?.requestId).toBe(requestId);
    const quantities = { orderId: other, lines: [{ skuId: 7n, quantity: 1 }], operator: "x", requestId };
    expect((await failure(client().recordShippedQuantities(quantities, wms))).code).toBe("AlreadyExists");
  });

  test("an id that was stored before callers had ids of their own still matches, for the same content", async () => {
    const orderId = await insertOrder(harness.db, Status.CREATED);
    const requestId = crypto.randomUUID();
    const pay = await bearer("pay");
    const paid = { orderId, status: OrderStatus.PAID, operator: "x", requestId };
    const first = await client().updateOrderStatus(paid, pay);
    await harness.db
      .updateTable("oms_db.oms_request")
      .set({ request_id: Buffer.from(requestId) })
      .where("order_id", "=", orderId)
      .execute();
    expect(await client().updateOrderStatus(paid, pay)).toEqual(first);
    const lines = [{ skuId: 7n, quantity: 0 }];
    await client().recordShippedQuantities({ orderId, lines, operator: "x", requestId }, await bearer("wms"));
  });

  test("in a batch only the reports without permission fail", async () => {
    const [one, two] = [
      await insertOrder(harness.db, Status.WMS_DISPATCHED),
      await insertOrder(harness.db, Status.CREATED),
    ];
    const { results } = await client().batchUpdateOrderStatus(
      {
        updates: [
          { orderId: one, status: OrderStatus.IN_TRANSIT, operator: "x" },
          { orderId: two, status: OrderStatus.PAID, operator: "x" },
        ],
      },
      await bearer("tms"),
    );
    expect(
      results.map(({ result }) => (result.case === "response" ? result.value.outcome : result.value?.code)),
    ).toEqual([Outcome.APPLIED, 7]);
  });
});

test("while the signing keys are unavailable, calls with a token are UNAVAILABLE on every transport", async () => {
  const service = await startService(harness.location, {}, { ...ENV, OMS_JWT_KEYS: "http://127.0.0.1:1/jwks" });
  try {
    const { headers } = await bearer("operator");
    for (const transport of Object.keys(TRANSPORTS) as TransportName[]) {
      const { client, close } = TRANSPORTS[transport](service);
      expect(await failure(client.listShipmentTypes({}, { headers }))).toMatchObject({
        code: "Unavailable",
        message: "token signing keys unavailable; retry",
      });
      close();
    }
    const base = `http://127.0.0.1:${service.httpPort}`;
    expect((await fetch(`${base}/metrics`, { headers })).status).toBe(503);
    const legacy = await fetch(`${base}/services/orderStatus/getShipmentType`, { headers });
    expect(await legacy.text()).toContain("系统暂时不可用，请稍后重试: token signing keys unavailable");
  } finally {
    await service.stop();
  }
});

test("a watch ends when its token expires", async () => {
  const orderId = await insertOrder(harness.db, Status.CREATED);
  const token = await issuer.token({ roles: ["read-only"], exp: 4 });
  const client = harness.client("gRPC");
  const watch = client.watchOrderStatus({ orderIds: [orderId] }, { headers: { authorization: `Bearer ${token}` } });
  const updates = watch[Symbol.asyncIterator]();
  expect((await updates.next()).value?.update.case).toBe("snapshot");
  expect(await failure(updates.next())).toEqual({
    code: "Unauthenticated",
    message: "token expired; request a new one",
    details: {},
  });
});

test("rejections are logged and counted", async () => {
  await failure(harness.client("gRPC").explainOrder({ orderId: 1n }));
  await failure(harness.client("gRPC").explainOrder({ orderId: 1n }, await bearer("unknown")));
  const lines = harness.service.log.filter(({ rpc }) => rpc === "ExplainOrder");
  expect(lines.map(({ code, caller }) => [code, caller])).toEqual([
    ["UNAUTHENTICATED", "anonymous"],
    ["PERMISSION_DENIED", "unknown"],
  ]);
  const { headers } = await bearer("prometheus", ["monitoring"]);
  const metrics = await (await fetch(`http://127.0.0.1:${harness.service.httpPort}/metrics`, { headers })).text();
  for (const code of ["UNAUTHENTICATED", "PERMISSION_DENIED"]) {
    expect(metrics).toContain(`oms_rpc_duration_seconds_count{rpc="ExplainOrder",transport="grpc",code="${code}"} 1`);
  }
});

describe("/metrics", () => {
  const page = async (headers: Record<string, string> = {}) => {
    const response = await fetch(`http://127.0.0.1:${harness.service.httpPort}/metrics`, { headers });
    return [response.status, (await response.text()).slice(0, 120)];
  };

  test("requires the metrics permission", async () => {
    expect(await page()).toEqual([
      401,
      '{"code":"unauthenticated","message":"authentication required: present a bearer token"}\n',
    ]);
    expect(await page((await bearer("wms")).headers)).toEqual([
      403,
      '{"code":"permission_denied","message":"role wms lacks permission for /metrics"}\n',
    ]);
    expect((await page((await bearer("monitoring")).headers))[0]).toBe(200);
  });

  test("is open on a port of its own (OMS_METRICS_PORT)", async () => {
    const port = await choosePort();
    const service = await startService(harness.location, {}, { ...ENV, OMS_METRICS_PORT: String(port) });
    try {
      expect((await fetch(`http://127.0.0.1:${port}/metrics`)).status).toBe(200);
      expect((await fetch(`http://127.0.0.1:${service.httpPort}/metrics`)).status).toBe(401);
    } finally {
      await service.stop();
    }
  });

  test("/healthz and /readyz are open", async () => {
    const base = `http://127.0.0.1:${harness.service.httpPort}`;
    expect((await fetch(`${base}/healthz`)).status).toBe(200);
    expect((await fetch(`${base}/readyz`)).status).toBe(200);
  });
});

describe("legacy endpoints", () => {
  test("require a token; the caller header does not authenticate", async () => {
    const order = await insertOrder(harness.db, Status.CREATED);
    const path = `orderStatus/updateOrderStatus?orderId=${order}&status=1010`;
    const rejected = "修改订单状态失败: 没有登录: authentication required: present a bearer token";
    expect(await legacyCall(path)).toBe(rejected);
    expect(await legacyCall(path, { "oms-caller": "pay" })).toBe(rejected);
    expect(await legacyCall(path, (await bearer("tms")).headers)).toBe(
      "修改订单状态失败: 没有权限: status: tms may not report PAID (1010); it is reported by Pay",
    );
    expect(await legacyCall(path, (await bearer("pay")).headers)).toBe(
      `{"result":1,"orderId":${order},"orderStatus":1010}`,
    );
  });

  test("authenticate legacy callers by address, with the permissions of their configured name", async () => {
    const callers = { pay: { addresses: ["127.0.0.0/8"] } };
    const service = await startService(harness.location, {}, { ...ENV, OMS_LEGACY_CALLERS: JSON.stringify(callers) });
    try {
      const order = await insertOrder(harness.db, Status.CREATED);
      const get = async (path: string) =>
        (await fetch(`http://127.0.0.1:${service.httpPort}/services/orderStatus/${path}`)).text();
      expect(await get(`updateOrderStatus?orderId=${order}&status=1010`)).toContain('"orderStatus":1010');
      expect(await get(`cancelOrder?orderId=${order}`)).toBe(
        '{"result":0,"message":"没有权限: role pay lacks permission for OrderStatusService/PauseForCancel"}',
      );
    } finally {
      await service.stop();
    }
  });
});

test("the command line sends OMS_TOKEN, and explains what to do without", async () => {
  const server = `127.0.0.1:${harness.service.grpcPort}`;
  expect(await oms(["actions"], { server })).toMatchObject({
    code: 1,
    stderr:
      "Not authenticated: authentication required: present a bearer token. Set OMS_TOKEN to a bearer token, or pass a certificate with --client-cert and --client-key.\n",
  });
  expect(await oms(["actions"], { server, env: { OMS_TOKEN: await issuer.token({ roles: ["wms"] }) } })).toMatchObject({
    code: 1,
    stderr:
      "Permission denied: role wms lacks permission for ActionService/ListActions. Permissions are set in the OMS_PERMISSIONS_FILE of the service.\n",
  });
  const OMS_TOKEN = await issuer.token({ sub: "zhang", roles: ["operator"] });
  expect(await oms(["actions"], { server, env: { OMS_TOKEN } })).toMatchObject({ code: 0, stderr: "" });
});

test("a Connect client sends its token in the authorization header, also with GET", async () => {
  const order = await insertOrder(harness.db, Status.CREATED);
  const transport = createConnectTransport({
    baseUrl: `http://127.0.0.1:${harness.service.httpPort}`,
    httpVersion: "1.1",
    useHttpGet: true,
  });
  const { orderStatus } = await createClient(OrderStatusService, transport).getOrderStatus(
    { orderId: order },
    await bearer("read-only"),
  );
  expect(orderStatus).toBe(Status.CREATED);
});

test("reflection can be turned off", async () => {
  const service = await startService(harness.location, {}, { ...ENV, OMS_REFLECTION: "off" });
  const buf = join(import.meta.dirname, "../../../node_modules/.bin/buf");
  const list = (port: number) =>
    promisify(execFile)(buf, ["curl", "--protocol", "grpc", "--list-services", `http://127.0.0.1:${port}`], {
      cwd: "/",
    });
  try {
    expect((await list(harness.service.grpcPort)).stdout).toContain("OrderStatusService");
    await expect(list(service.grpcPort)).rejects.toThrow();
  } finally {
    await service.stop();
  }
});

test("a rejection takes as long for an existing order as for an unknown one", { retry: 3 }, async () => {
  const tms = await bearer("tms");
  const existing = await insertOrder(harness.db, Status.CREATED);
  const client = harness.client("gRPC");
  const times: Record<"existing" | "unknown", number[]> = { existing: [], unknown: [] };
  for (let round = 0; round < 200; round += 1) {
    for (const [which, orderId] of [
      ["existing", existing],
      ["unknown", nextOrderId()],
    ] as const) {
      const startedAt = performance.now();
      await failure(client.updateOrderStatus({ orderId, status: OrderStatus.PAID, operator: "x" }, tms));
      times[which].push(performance.now() - startedAt);
    }
  }
  const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length / 2] as number;
  const ratio = median(times.existing) / median(times.unknown);
  // Neither runs a query, which would take several times as long.
  expect(ratio).toBeGreaterThan(0.5);
  expect(ratio).toBeLessThan(2);
});
