import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, inject, test } from "vitest";
import { OrderStatus } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { AUDIENCE, createIssuer, ISSUER } from "../../integration/auth/issuer.ts";
import { useHarness } from "../crash/harness.ts";
import { useShop } from "./browser.ts";

const harness = useHarness();
const shop = useShop();

test("a page with a token calls with connect-web: unary calls, error details, a watch", async () => {
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
  const token = await issuer.token({ sub: "console", roles: ["operator"] });
  const page = await shop.openPage();
  await page.addScriptTag({
    type: "module",
    content: 'import * as shop from "/test/e2e/browser/shop-page.js"; globalThis.shop = shop;',
  });
  await page.waitForFunction(() => "shop" in globalThis);
  for (const transport of ["Connect", "Connect, binary, GET", "gRPC-Web"]) {
    const [orderId] = (await harness.insertOrders(1)) as [bigint];
    const seen = await page.evaluate(
      (args) =>
        (globalThis as unknown as { shop: { callAll(...args: unknown[]): Promise<unknown> } }).shop.callAll(...args),
      [transport, service.http, token, String(orderId)] as const,
    );
    expect(seen, transport).toEqual({
      status: OrderStatus.CREATED,
      callId: true,
      invalidFields: ["order_id"],
      withoutToken: "Unauthenticated",
      watched: [
        ["snapshot", OrderStatus.CREATED],
        ["change", OrderStatus.PAID],
      ],
    });
  }
});
