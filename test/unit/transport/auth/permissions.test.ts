import { describe, expect, test } from "vitest";
import { STATES } from "../../../../src/domain/state-machine.ts";
import { DEFAULT_PERMISSIONS } from "../../../../src/transport/auth/default-permissions.ts";
import { parsePermissionTable } from "../../../../src/transport/auth/permission-table.ts";
import { createPermissions, rolesOf } from "../../../../src/transport/auth/permissions.ts";
import { RPC_NAMES } from "../../../../src/transport/handlers/index.ts";

const names = (codes: ReadonlySet<number>) => STATES.filter(({ code }) => codes.has(code)).map(({ name }) => name);

describe("the default table", () => {
  const rightsOf = createPermissions(DEFAULT_PERMISSIONS);

  test("is one that could be written into a file", () => {
    expect(parsePermissionTable(JSON.stringify(DEFAULT_PERMISSIONS), RPC_NAMES)).toEqual(DEFAULT_PERMISSIONS);
  });

  test.each([
    ["wms", ["WMS_ACCEPTED", "PICKING", "PACKED", "HANDED_OVER"]],
    ["tms", ["IN_TRANSIT", "DELIVERED", "REJECTED", "DELIVERY_FAILED", "LOST"]],
    ["dms", ["OUT_FOR_DELIVERY", "DELIVERED", "REJECTED", "DELIVERY_FAILED"]],
    ["pay", ["PAID"]],
    ["marketplace", []],
    ["shop", ["DELIVERED", "CANCELLED"]],
    ["customer-service", []],
    ["reversal", ["CANCELLED"]],
    ["forward-flow", ["APPROVED", "SPLIT", "ERP_ALLOCATED", "WMS_DISPATCHED"]],
    ["operator", STATES.map(({ name }) => name)],
    ["read-only", []],
  ])("%s reports what the state machine says it tells of", (role, states) => {
    expect(names(rightsOf({ roles: [role] }).reportableStatuses)).toEqual(states);
  });

  test("every RPC is somebody's besides the operator's, but for those that look after the Actions", () => {
    const others = Object.keys(DEFAULT_PERMISSIONS.roles).filter((role) => role !== "operator");
    const nobodys = RPC_NAMES.filter((rpc) => !others.some((role) => rightsOf({ roles: [role] }).canCall(rpc)));
    expect(nobodys.filter((rpc) => !/^(ActionService|ShadowService)\//.test(rpc))).toEqual([]);
  });

  test("who only reads changes nothing", () => {
    const readOnly = RPC_NAMES.filter((rpc) => rightsOf({ roles: ["read-only"] }).canCall(rpc));
    expect(readOnly.filter((rpc) => !/\/(Get|BatchGet|List|Watch|Explain|Describe|Check)/.test(rpc))).toEqual([]);
  });

  test("nobody has rights by a role that there is not, nor by a name that every object has", () => {
    for (const role of ["nobody", "constructor", "__proto__", "toString"]) {
      const rights = rightsOf({ roles: [role] });
      expect([rights.canCall("OrderStatusService/GetOrderStatus"), rights.reportableStatuses.size]).toEqual([false, 0]);
    }
  });
});

test("several roles add up", () => {
  const rights = createPermissions(DEFAULT_PERMISSIONS)({ roles: ["pay", "customer-service"] });
  expect(names(rights.reportableStatuses)).toEqual(["PAID"]);
  expect(rights.canCall("OrderStatusService/MarkInvoicesPrinted")).toBe(true);
  expect(rights.canCall("OrderStatusService/CancelOrder")).toBe(false);
});

test("a caller's roles: the table's, else the token's, else its own name", () => {
  const table = { ...DEFAULT_PERMISSIONS, callers: { "wms-3": ["wms"] } };
  expect(rolesOf(table, "wms-3", ["operator"])).toEqual(["wms"]);
  expect(rolesOf(table, "li", ["operator"])).toEqual(["operator"]);
  expect(rolesOf(table, "tms", [])).toEqual(["tms"]);
  expect(rolesOf(table, "constructor", [])).toEqual(["constructor"]);
});

test.each([
  ["{", /^invalid JSON: /],
  ["[]", /^table: Invalid input: expected object/],
  [
    { roles: { a: { rpcs: ["OrderStatusService/Nix"] } } },
    /^roles\.a\.rpcs\.0: unknown RPC "OrderStatusService\/Nix"; valid are for example OrderStatusService\/PauseForCancel, OrderStatusService\/\*, \* and metrics$/,
  ],
  [{ roles: { a: { rpcs: ["*"], reportsAs: ["TNS"] } } }, /^roles\.a\.reportsAs\.0: .*"TMS"/],
  [{ roles: { a: { rpcs: ["*"], reports: ["PAYED"] } } }, /^roles\.a\.reports\.0: .*"PAID"/],
  [{ roles: { a: { rpc: ["*"] } } }, /roles\.a: .*"rpc"/],
  [{ roles: { a: { rpcs: [] } }, callers: { x: ["b"] } }, /^callers\.x: unknown role "b"; defined are a$/],
])("a table that cannot be used says where and what would be right: %j", (table, message) => {
  const text = typeof table === "string" ? table : JSON.stringify(table);
  expect(() => parsePermissionTable(text, RPC_NAMES)).toThrow(message);
});
