import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Status } from "../../src/domain/state-machine.ts";
import { LEGACY_SERVICES } from "../../src/transport/legacy/methods.ts";
import { prepareSoapTests, testSoapClient } from "../integration/legacy/soap-suite.ts";
import { insertOrder } from "../support/orders.ts";
import { useService } from "../support/service.ts";
import { useCxf, wsdlAt } from "./cxf-stubs.ts";

const served = useService();
const origin = () => `http://127.0.0.1:${served.service.httpPort}`;
const cxf = useCxf();

prepareSoapTests(served);

test.each(LEGACY_SERVICES)("stubs are generated from the WSDL of %s", async (service) => {
  const wsdl = await (await fetch(`${origin()}/services/${service}?wsdl`)).text();
  expect(wsdl).toBe(wsdlAt(origin(), service));
});

describe.each([
  ["this service's WSDL, SOAP 1.1", cxf("orderstatus", "1.1")],
  ["this service's WSDL, SOAP 1.2", cxf("orderstatus", "1.2")],
  ["the WSDL of the legacy classes: arg0", cxf("jaxws")],
  ["the WSDL of the legacy classes without annotations: in0, qualified", cxf("xfire")],
] as const)("stubs from %s", (_name, client) => {
  testSoapClient(served, client);
});

describe("default settings", () => {
  let connections = 0;
  let sent = "";
  const relay = createServer((client) => {
    connections += 1;
    client.on("data", (bytes) => {
      sent += bytes.toString("latin1");
    });
    const upstream = connect(served.service.httpPort, "127.0.0.1");
    client.pipe(upstream).pipe(client);
    for (const socket of [client, upstream]) {
      socket.on("error", () => {
        client.destroy();
        upstream.destroy();
      });
    }
  });

  beforeAll(async () => {
    await once(relay.listen(0, "127.0.0.1"), "listening");
  });
  afterAll(() => {
    relay.close();
  });

  test("one connection, the upgrade to HTTP/2 declined, a long body in chunks", async () => {
    const orderId = await insertOrder(served.db, Status.PICKING);
    const missing = Array.from({ length: 1_000 }, (_, index) => 9_000_000_000 + index);
    const service = "orderStatus";
    const found = { service, method: "getOrderStatus", parameters: { orderId } };
    const notFound = { service, method: "getOrderStatus", parameters: { orderId: 1 } };
    const long = { service, method: "updateOrderInvoiceStatus", parameters: { orders: missing.join(",") } };

    const { results } = await cxf("jaxws").run(`http://127.0.0.1:${(relay.address() as AddressInfo).port}`, [
      ...[found, long, found, notFound, found],
    ]);

    const answer = `{"result":1,"orderId":${orderId},"orderStatus":${Status.PICKING}}`;
    expect(results).toEqual([
      { method: "getOrderStatus", answer },
      { method: long.method, answer: `{"result":1,"updatedCount":0,"missingOrders":"${missing.join(",")}"}` },
      { method: "getOrderStatus", answer },
      { method: "getOrderStatus", fault: expect.objectContaining({ code: "Client" }) },
      { method: "getOrderStatus", answer },
    ]);
    expect(connections).toBe(1);
    expect(sent.match(/^upgrade: h2c\r$/gim)).toHaveLength(results.length);
    expect(sent.match(/^transfer-encoding: chunked\r$/gim)).toHaveLength(1);
  });
});
