import { expect, test } from "vitest";
import { forEachSystem, SYSTEM_PATHS, systemVariables } from "../../../src/integrations/systems.ts";

test("each system has a variable, and a path for each of its operations", () => {
  expect(systemVariables(forEachSystem((name) => `http://host/${name}`))).toEqual({
    OMS_EINVOICE_URL: "http://host/einvoice",
    OMS_FINANCE_URL: "http://host/finance",
    OMS_MESSAGE_URL: "http://host/message",
    OMS_ERP_URL: "http://host/erp",
    OMS_WMS_URL: "http://host/wms",
  });
  expect(SYSTEM_PATHS).toEqual([
    "einvoice",
    "finance",
    "message",
    "erp/allocate",
    "erp/release",
    "wms/dispatch",
    "wms/cancel",
  ]);
});
