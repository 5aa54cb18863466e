import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Status } from "../../../src/domain/state-machine.ts";
import { createTokenTransportCheck } from "../../../src/transport/auth/cleartext.ts";
import { normalizeAddress, plaintextPeer } from "../../../src/transport/connections/peer.ts";
import { createCallerResolver } from "../../../src/transport/legacy/callers.ts";
import { LEGACY_METHODS, type LegacyMethod } from "../../../src/transport/legacy/methods.ts";
import { eventually } from "../../support/eventually.ts";
import { historyOf, insertOrder, nextOrderId } from "../../support/orders.ts";
import { type Service, startService, useService } from "../../support/service.ts";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;
const KNOWN = {
  wms: { tokenSha256: [sha256("wms-secret-1"), sha256("wms-secret-2").toUpperCase()] },
  pay: { tokenSha256: [sha256("pay:secret")] },
};
const served = useService({ OMS_LEGACY_CALLERS: JSON.stringify(KNOWN) });

async function call(
  query: string,
  headers: Record<string, string> = {},
  { httpPort }: Pick<Service, "httpPort"> = served.service,
): Promise<Response> {
  return fetch(`http://127.0.0.1:${httpPort}/services/orderStatus/${query}`, { headers });
}

/** The caller of a call by its access log line. */
async function callerOf(call: Promise<Response>, { log }: Pick<Service, "log"> = served.service): Promise<unknown> {
  const callId = (await call).headers.get("oms-call-id");
  return log.find((line) => line.callId === callId)?.caller;
}

describe("a caller", () => {
  test.each<[string, Record<string, string>, string]>([
    ["a bearer token", { authorization: "Bearer wms-secret-1" }, "wms"],
    ["another of its tokens", { authorization: "bearer  wms-secret-2" }, "wms"],
    ["a password with any user name", { authorization: basic("anyone:wms-secret-1") }, "wms"],
    ["a password with a colon", { authorization: basic("x:pay:secret") }, "pay"],
    ["a password without a name", { authorization: basic(":wms-secret-1") }, "wms"],
    ["a token rather than the header", { authorization: "Bearer wms-secret-1", "oms-caller": "tms" }, "wms"],
    ["the header", { "oms-caller": "tms" }, "tms"],
    ["the header, beside an unknown token", { authorization: "Bearer x", "oms-caller": "tms" }, "tms"],
    ["the method, beside an unknown token", { authorization: "Bearer x" }, "legacy:getShipmentType"],
    ["the method, beside invalid base64", { authorization: "Basic %%%" }, "legacy:getShipmentType"],
    ["the method, beside a digest", { authorization: 'Digest username="wms"' }, "legacy:getShipmentType"],
    ["the method, beside an empty header", { "oms-caller": "" }, "legacy:getShipmentType"],
    ["the method, without credentials", {}, "legacy:getShipmentType"],
  ])("is identified by %s", async (_name, headers, caller) => {
    expect(await callerOf(call("getShipmentType", headers))).toBe(caller);
  });

  test.each([
    ["too long", "x".repeat(65), "was 65 characters"],
    ["not ASCII", "w\u00e4hs", "was 4 characters"],
  ])("a header that is %s is rejected", async (_name, caller, was) => {
    const response = await call("getShipmentType", { "oms-caller": caller });

    expect(response.headers.get("oms-code")).toBe("INVALID_ARGUMENT");
    expect(await response.json()).toEqual({
      result: 0,
      message: `参数错误: oms-caller: must be 1 to 64 printable ASCII characters, ${was}`,
    });
  });
});

describe("identification by address", () => {
  const resolve = createCallerResolver(
    [
      { name: "wms", tokenSha256: [sha256("t")], addresses: ["10.1.0.0/16", "192.168.7.9"] },
      { name: "tms", tokenSha256: [], addresses: ["2001:db8::/32", "10.1.2.3"] },
    ],
    () => true,
  );
  const method = LEGACY_METHODS[0] as LegacyMethod;
  test.each<[string, string | undefined]>([
    ["10.1.0.0", "wms"],
    ["10.1.255.255", "wms"],
    ["10.1.2.3", "wms"],
    ["192.168.7.9", "wms"],
    ["::ffff:10.1.2.3", "wms"],
    ["2001:db8::7", "tms"],
    ["10.2.0.0", undefined],
    ["192.168.7.10", undefined],
    ["::ffff:192.168.7.10", undefined],
    ["2001:db9::7", undefined],
    ["", undefined],
  ])("%s", (address, authenticatedName) => {
    const peer = plaintextPeer(normalizeAddress(address));
    const evidence = { authorization: undefined, header: "anyone", peer };

    expect(resolve(evidence, method)).toEqual({ authenticatedName, name: authenticatedName ?? "anyone" });
    expect(resolve({ ...evidence, authorization: "Bearer t" }, method)).toEqual({
      authenticatedName: "wms",
      name: "wms",
    });
  });
});

test("a token over cleartext identifies only on this machine and behind a proxy that terminates TLS", () => {
  const known = [{ name: "wms", tokenSha256: [sha256("t")], addresses: [] }];
  const resolve = createCallerResolver(known, createTokenTransportCheck(["10.9.0.0/16"]));
  const method = LEGACY_METHODS[0] as LegacyMethod;
  const callerAt = (address: string, encrypted = false) =>
    resolve({ authorization: "Bearer t", header: undefined, peer: { ...plaintextPeer(address), encrypted } }, method)
      .authenticatedName;
  expect(["127.0.0.1", "::1", "10.9.1.1"].map((address) => callerAt(address))).toEqual(["wms", "wms", "wms"]);
  expect(["10.8.1.1", "2001:db8::1", ""].map((address) => callerAt(address))).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(callerAt("10.8.1.1", true)).toBe("wms");
});

describe("a service with a loopback address as caller", () => {
  let service: Service;
  beforeAll(async () => {
    const callers = { local: { addresses: ["127.0.0.0/8"] }, wms: KNOWN.wms };
    service = await startService(served.location, {}, { OMS_LEGACY_CALLERS: JSON.stringify(callers) });
  });
  afterAll(() => service.stop());

  test("the address ranks after a token and before the header", async () => {
    expect(await callerOf(call("getShipmentType", { "oms-caller": "tms" }, service), service)).toBe("local");
    expect(await callerOf(call("getShipmentType", { authorization: "Bearer wms-secret-1" }, service), service)).toBe(
      "wms",
    );
  });
});

describe("the caller is recorded", () => {
  const rowsOf = (orderId: bigint) =>
    served.db
      .selectFrom("oms_db.oms_request_log")
      .select(["rpc", "old_method", "caller", "operator", "code"])
      .where("order_id", "=", orderId)
      .orderBy("id")
      .execute();

  test("in the history and in the request log, also for reads and failures", async () => {
    const orderId = await insertOrder(served.db, Status.CREATED);
    const headers = { authorization: "Bearer wms-secret-1" };
    await call(`updateOrderStatus?orderId=${orderId}&status=1010`, headers);
    await call(`updateOrderStatus?orderId=${orderId}&status=1020&operator=li`);
    await call(`getOrderStatus?orderId=${orderId}`, { "oms-caller": "tms" });
    await call(`updateOrderStatus?orderId=${orderId}&status=6010`, headers);

    expect(await historyOf(served.db, orderId)).toMatchObject([
      { to_status: 1010, caller: "wms", operator: "wms" },
      { to_status: 1020, caller: "legacy:updateOrderStatus", operator: "li" },
    ]);
    const update = { rpc: "UpdateOrderStatus", old_method: "updateOrderStatus" };
    const read = { rpc: "GetOrderStatus", old_method: "getOrderStatus" };
    await eventually(async () => {
      expect(await rowsOf(orderId)).toEqual([
        { ...update, caller: "wms", operator: "wms", code: "OK" },
        { ...update, caller: "legacy:updateOrderStatus", operator: "li", code: "OK" },
        { ...read, caller: "tms", operator: "", code: "OK" },
        { ...update, caller: "wms", operator: "wms", code: "FAILED_PRECONDITION" },
      ]);
    });
  });

  test("in the request log with the legacy method's name", async () => {
    for (const { service, name } of LEGACY_METHODS) {
      const path = `http://127.0.0.1:${served.service.httpPort}/services/${service}/${name}`;
      await fetch(path, { headers: { "oms-caller": "each" } });
    }

    await eventually(async () => {
      const rows = await served.db
        .selectFrom("oms_db.oms_request_log")
        .select(["rpc", "old_method"])
        .where("caller", "=", "each")
        .orderBy("id")
        .execute();
      expect(rows).toEqual(LEGACY_METHODS.map(({ name, rpc }) => ({ rpc: rpc.name, old_method: name })));
    });
  });

  test("in the access log", async () => {
    const orderId = nextOrderId();
    await call(`getOrderStatus?orderId=${orderId}`, { authorization: basic("x:pay:secret") });

    expect(served.service.log.filter((line) => line.orderId === String(orderId))).toEqual([
      {
        level: "info",
        time: expect.any(String),
        msg: "call",
        address: "127.0.0.1",
        callId: expect.any(String),
        rpc: "GetOrderStatus",
        legacyMethod: "getOrderStatus",
        transport: "legacy",
        caller: "pay",
        orderId: String(orderId),
        durationMs: expect.any(Number),
        code: "NOT_FOUND",
        error: `there is no order ${orderId}`,
      },
    ]);
  });
});

describe("/metrics", () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService(served.location);
  });
  afterAll(() => service.stop());

  const series = async () => {
    const page = await (await fetch(`http://127.0.0.1:${service.httpPort}/metrics`)).text();
    const lines = page.matchAll(/^oms_legacy_calls_total\{(.*)\} (\d+)$/gm);
    return new Map(
      Array.from(lines, ([, labels = "", count]) => [
        ["method", "caller", "protocol", "result"]
          .map((name) => new RegExp(`\\b${name}="([^"]*)"`).exec(labels)?.[1])
          .join(" "),
        Number(count),
      ]),
    );
  };

  test("each method has a series from the start, each caller one, and all callers past 200 share one", async () => {
    expect(await series()).toEqual(
      new Map(LEGACY_METHODS.map(({ name }) => [`${name} legacy:${name} http answered`, 0])),
    );

    await call("getShipmentType", {}, service);
    await call("getShipmentType", { "oms-caller": "tms" }, service);
    await call("getOrderStatus?orderId=404", { "oms-caller": "tms" }, service);
    const counted = await series();
    expect(counted.get("getShipmentType legacy:getShipmentType http answered")).toBe(1);
    expect(counted.get("getShipmentType tms http answered")).toBe(1);
    expect(counted.get("getOrderStatus tms http refused")).toBe(1);

    for (let index = 0; index < 250; index += 1) {
      await call("getShipmentType", { "oms-caller": `caller-${index}` }, service);
    }
    await call("getShipmentType", { "oms-caller": "tms" }, service);
    const many = await series();
    expect(many.get("getShipmentType caller-197 http answered")).toBe(1);
    expect(many.has("getShipmentType caller-198 http answered")).toBe(false);
    expect(many.get("getShipmentType (other) http answered")).toBe(52);
    expect(many.get("getShipmentType tms http answered")).toBe(2);
  });
});
