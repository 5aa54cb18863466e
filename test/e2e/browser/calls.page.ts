import { existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { useHarness } from "../crash/harness.ts";

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);

/** Chromium has no sandbox as root; the other flags keep it from contacting external servers. */
const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const harness = useHarness();
const shop = createServer((_request, response) =>
  response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>shop</title>"),
);
let browser: Browser;
let origin: string;

beforeAll(async () => {
  if (CHROMIUM === undefined) {
    throw new Error("Chromium is not installed: apt-get install chromium");
  }
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGS });
  await new Promise<void>((resolve) => shop.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(shop.address() as AddressInfo).port}`;
});

afterAll(async () => {
  await browser?.close();
  shop.close();
});

test("a page of an allowed origin changes an order and reads it back", async () => {
  const [orderId] = (await harness.insertOrders(1)) as [bigint];
  const service = await harness.start({ OMS_CORS_ORIGINS: origin });
  const page = await browser.newPage();
  await page.goto(origin);
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
      version: "1",
      updateTime: expect.stringMatching(/Z$/),
    },
  });
});

test("a page of another origin is rejected by CORS", async () => {
  const service = await harness.start({ OMS_CORS_ORIGINS: "https://shop.example.com" });
  const page = await browser.newPage();
  await page.goto(origin);
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
