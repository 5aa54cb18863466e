import { request } from "node:http";
import { connect } from "node:http2";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { TRANSPORTS, type TransportName } from "../../support/clients.ts";
import { eventually } from "../../support/eventually.ts";
import { useService } from "../../support/service.ts";

const harness = useService({ OMS_TLS_TERMINATED_BY: "127.0.0.1" });
const RPC = "/oms.orderstatus.v1.OrderStatusService/GetOrderStatus";
const CLIENT = "198.51.100.7";
const FORWARDED = { "x-forwarded-for": `127.0.0.1, ${CLIENT}` };
const url = (path: string) => `http://127.0.0.1:${harness.service.httpPort}${path}`;

/** Waits for a log line with these fields. */
const expectLine = (fields: object) =>
  eventually(() => expect(harness.service.log).toContainEqual(expect.objectContaining(fields)));

test.each(Object.keys(TRANSPORTS) as TransportName[])("%s: a failed call has the client's address", async (name) => {
  const caller = `of-${name.replace(" ", "-")}`;
  const headers = { ...FORWARDED, "oms-caller": caller };
  await expect(harness.client(name).getOrderStatus({ orderId: 404n }, { headers })).rejects.toThrow();
  await expectLine({ msg: "call", caller, code: "NOT_FOUND", address: CLIENT });
});

test("legacy HTTP and rejected SOAP messages have it, too", async () => {
  await fetch(url("/services/orderStatus/getOrderStatus?orderId=404"), { headers: FORWARDED });
  await expectLine({ msg: "call", legacyMethod: "getOrderStatus", address: CLIENT });
  await fetch(url("/services/orderStatus"), { method: "POST", headers: FORWARDED, body: "<x/>" });
  await expectLine({ msg: "SOAP message without a valid call", address: CLIENT });
});

test.each([
  ["Connect", RPC, "application/json", '{"orderId": "405"}'],
  ["legacy HTTP", "/services/orderStatus/getOrderStatus", "application/x-www-form-urlencoded", "orderId=405"],
  [
    "SOAP",
    "/services/orderStatus",
    "text/xml",
    '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><getOrderStatus><orderId>405</orderId></getOrderStatus></e:Body></e:Envelope>',
  ],
])("%s: the duration includes the arrival of the request", async (name, path, type, body) => {
  const caller = `slow-${name.replace(" ", "-")}`;
  const slow = request(url(path), {
    method: "POST",
    headers: { "content-type": type, "content-length": body.length, "oms-caller": caller },
  });
  const ended = new Promise((resolve) => slow.once("response", (response) => resolve(response.resume())));
  slow.write(body.slice(0, 5));
  setTimeout(() => slow.end(body.slice(5)), 1_000);
  await ended;
  await expectLine({ msg: "call", caller, orderId: "405", durationMs: expect.toSatisfy((ms: number) => ms >= 250) });
});

test("gRPC: the duration includes the arrival of the request", async () => {
  const session = connect(`http://127.0.0.1:${harness.service.grpcPort}`);
  const slow = session.request({
    ":method": "POST",
    ":path": RPC,
    "content-type": "application/grpc+json",
    te: "trailers",
    "oms-caller": "slow-gRPC",
  });
  const message = Buffer.from('\0\0\0\0\x11{"orderId":"405"}');
  slow.write(message.subarray(0, 9));
  setTimeout(() => slow.end(message.subarray(9)), 1_000);
  await text(slow);
  session.destroy();
  const durationMs = expect.toSatisfy((ms: number) => ms >= 250);
  await expectLine({ msg: "call", caller: "slow-gRPC", orderId: "405", durationMs });
});

test.each([
  ["path", `/${"p".repeat(9_000)}`, {}],
  ["legacy path", `/services/${"p".repeat(9_000)}`, {}],
  ["content type", RPC, { method: "POST", body: "x", headers: { "content-type": `text/${"p".repeat(9_000)}` } }],
  [
    "SOAP operation",
    "/services/orderStatus",
    {
      method: "POST",
      body: `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><${"p".repeat(9_000)}/></e:Body></e:Envelope>`,
    },
  ],
])("an answer quotes the beginning of a long %s", async (_, path, init) => {
  expect((await (await fetch(url(path), init)).text()).length).toBeLessThan(2_500);
});
