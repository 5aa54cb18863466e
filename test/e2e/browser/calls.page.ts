import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, inject, test } from "vitest";
import { AUDIENCE, createIssuer, ISSUER } from "../../integration/auth/issuer.ts";
import { useHarness } from "../crash/harness.ts";
import { useShop } from "./browser.ts";

const harness = useHarness();
const shop = useShop();

test("a page of an allowed origin changes an order and reads it back", async () => {
  const [orderId] = (await harness.insertOrders(1)) as [bigint];
  const service = await harness.start({ OMS_CORS_ORIGINS: shop.origin });
  const page = await shop.openPage();
  const answers = await page.evaluate(
    async ([base, id]) => {
      const rpc = `${base}/oms.orderstatus.v1.OrderStatusService`;
      const changed = await fetch(`${rpc}/UpdateOrderStatus`, {
        method: "POST",
        headers: { "content-type": "application/json", "oms-caller": "shop" },
        body: JSON.stringify({ orderId: id, status: "ORDER_STATUS_PAID", operator: "a page" }),
      });
      const query = new URLSearchParams({ encoding: "json", message: JSON.stringify({ orderId: id }) });
      const read = await fetch(`${rpc}/GetOrderStatus?connect=v1&${query}`);
      return { changed: await changed.json(), callId: changed.headers.get("oms-call-id"), read: await read.json() };
    },
    [service.http, String(orderId)] as const,
  );
  expect(answers).toEqual({
    changed: {
      outcome: "OUTCOME_APPLIED",
      orderId: String(orderId),
      orderStatus: "ORDER_STATUS_PAID",
      version: "1",
      messageId: `${orderId}-1`,
    },
    callId: expect.stringMatching(/.+/),
    read: {
      orderId: String(orderId),
      orderStatus: "ORDER_STATUS_PAID",
      paused: false,
      finished: false,
      returnIds: [],
      version: "1",
      updateTime: expect.stringMatching(/Z$/),
    },
  });
});

test("a page with a token calls over each protocol, and learns why a call without one is rejected", async () => {
  const [orderId] = (await harness.insertOrders(1)) as [bigint];
  const issuer = await createIssuer();
  const keys = join(mkdtempSync(join(inject("folder"), "keys-")), "jwks.json");
  writeFileSync(keys, issuer.jwks());
  const service = await harness.start({
    OMS_CORS_ORIGINS: shop.origin,
    OMS_AUTH: "jwt",
    OMS_JWT_KEYS: keys,
    OMS_JWT_ISSUER: ISSUER,
    OMS_JWT_AUDIENCE: AUDIENCE,
  });
  const page = await shop.openPage();
  const answers = await page.evaluate(
    async ([base, id, token]) => {
      const rpc = `${base}/oms.orderstatus.v1.OrderStatusService/GetOrderStatus`;
      const proof = {
        authorization: `Bearer ${token}`,
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        tracestate: "a=b",
        baggage: "c=d",
      };
      const json = { "content-type": "application/json", "connect-protocol-version": "1" };
      const body = JSON.stringify({ orderId: id });
      const query = new URLSearchParams({ connect: "v1", encoding: "json", message: body });
      // A gRPC-Web frame: no flags, the length, and field 1 as a varint.
      const message = [8];
      for (let rest = BigInt(id); ; rest >>= 7n) {
        if (rest < 128n) {
          message.push(Number(rest));
          break;
        }
        message.push(Number(rest & 127n) | 128);
      }
      const frame = new Uint8Array([0, 0, 0, 0, message.length, ...message]);
      const statusIn = (text: string) => /grpc-status: (\d+)/.exec(text)?.[1];
      const web = (type: string, content: string | Uint8Array<ArrayBuffer>) =>
        fetch(rpc, { method: "POST", headers: { ...proof, "content-type": type, "x-grpc-web": "1" }, body: content });
      const post = await fetch(rpc, { method: "POST", headers: { ...proof, ...json }, body });
      const get = await fetch(`${rpc}?${query}`, { headers: proof });
      const binary = await web("application/grpc-web+proto", frame);
      const base64 = await web("application/grpc-web-text", btoa(String.fromCharCode(...frame)));
      const rejected = await fetch(rpc, { method: "POST", headers: json, body });
      const read = async (response: Response) => (await response.json()) as { orderStatus?: string; code?: string };
      const segments = (await base64.text()).match(/[^=]+=*/g) ?? [];
      return {
        post: (await read(post)).orderStatus,
        get: (await read(get)).orderStatus,
        binary: statusIn(await binary.text()),
        base64: statusIn(segments.map(atob).join("")),
        rejected: [rejected.status, (await read(rejected)).code],
      };
    },
    [service.http, String(orderId), await issuer.token({ sub: "console", roles: ["read-only"] })] as const,
  );
  expect(answers).toEqual({
    post: "ORDER_STATUS_CREATED",
    get: "ORDER_STATUS_CREATED",
    binary: "0",
    base64: "0",
    rejected: [401, "unauthenticated"],
  });
});

test("a page of another origin is rejected by CORS", async () => {
  const service = await harness.start({ OMS_CORS_ORIGINS: "https://shop.example.com" });
  const page = await shop.openPage();
  const outcome = await page.evaluate(
    (base) =>
      fetch(`${base}/oms.orderstatus.v1.OrderStatusService/ListShipmentTypes`, {
        method: "POST",
        body: "{}",
        headers: { "content-type": "application/json" },
      }).then(
        () => "answered",
        (error: Error) => error.name,
      ),
    service.http,
  );
  expect(outcome).toBe("TypeError");
});
