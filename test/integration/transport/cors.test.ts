import { expect, test } from "vitest";
import { useService } from "../../support/service.ts";

const harness = useService({ OMS_CORS_ORIGINS: "*" });

test("pages of all origins may call where the configuration says *", async () => {
  const { headers } = await fetch(
    `http://127.0.0.1:${harness.service.httpPort}/oms.orderstatus.v1.OrderStatusService/ListShipmentTypes`,
    { method: "POST", headers: { origin: "https://any.example.com", "content-type": "application/json" }, body: "{}" },
  );
  expect([headers.get("access-control-allow-origin"), headers.get("vary")]).toEqual(["*", null]);
});
