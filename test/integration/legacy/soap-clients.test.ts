import { beforeAll, describe, expect, test } from "vitest";
import { LEGACY_METHODS } from "../../../src/transport/legacy/methods.ts";
import { missingPackages, SOAP_PACKAGES } from "../../support/foreign-clients.ts";
import { useService } from "../../support/service.ts";
import { SOAP_CLIENTS, type SoapClient } from "./soap-clients.ts";
import { prepareSoapTests, testSoapClient } from "./soap-suite.ts";

const served = useService();
const origin = () => `http://127.0.0.1:${served.service.httpPort}`;

beforeAll(() => {
  expect(missingPackages(SOAP_PACKAGES), "Debian's packages that must be installed with apt-get").toEqual([]);
});

prepareSoapTests(served);

describe.each(Object.entries(SOAP_CLIENTS))("%s", (_name, soap) => {
  testSoapClient(served, soap);
});

test.each(["zeep, SOAP 1.1", "PHP, SOAP 1.1"])("%s reads the parameter types", async (name) => {
  const { types } = await (SOAP_CLIENTS[name] as SoapClient).run(origin(), []);

  expect(Object.keys(types ?? {}).toSorted()).toEqual(LEGACY_METHODS.map((method) => method.name).toSorted());
  expect(types).toMatchObject({
    cancelOrder: { orderId: "long", operator: "string" },
    puaseOrderStatus: { orderId: "long", isPause: "int", reason: "string", operator: "string" },
    updateOrderStatus: {
      orderId: "long",
      status: "int",
      operator: "string",
      remark: "string",
      occurTime: "string",
      requestId: "string",
    },
    getOrderSource: {},
    updateOrderInvoiceStatus: { orders: "string", sendEmail: "int" },
    orderIds: { orderIds: "string" },
  });
});
