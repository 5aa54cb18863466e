import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { DEFAULT_ORDER_KINDS } from "../../../../src/domain/order-kinds.ts";
import { type Reporter, STATES } from "../../../../src/domain/state-machine.ts";
import { DEFAULT_PERMISSIONS } from "../../../../src/transport/auth/default-permissions.ts";
import { parsePermissionTable } from "../../../../src/transport/auth/permission-table.ts";
import { createPermissions, rolesOf } from "../../../../src/transport/auth/permissions.ts";
import { SCOPED_RPCS } from "../../../../src/transport/auth/scoped-rpcs.ts";
import { RPC_NAMES, SERVICES } from "../../../../src/transport/handlers/index.ts";

const names = (codes: ReadonlySet<number>) => STATES.filter(({ code }) => codes.has(code)).map(({ name }) => name);

const reportedBy = (reporter: Reporter) =>
  STATES.filter((state) => state.reportedBy.includes(reporter)).map(({ name }) => name);

const WITHOUT_SIDE_EFFECTS = SERVICES.flatMap(({ name, methods }) =>
  methods
    .filter(({ idempotency }) => idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS)
    .map((method) => `${name}/${method.name}`),
);

describe("the default table", () => {
  const permissionsOf = createPermissions(DEFAULT_PERMISSIONS);

  test("is valid as a permission file", () => {
    expect(parsePermissionTable(JSON.stringify(DEFAULT_PERMISSIONS), RPC_NAMES)).toEqual(DEFAULT_PERMISSIONS);
  });

  test.each([
    ["wms", reportedBy("WMS")],
    ["tms", reportedBy("TMS")],
    ["dms", reportedBy("DMS")],
    ["pay", reportedBy("Pay")],
    ["marketplace", []],
    ["meituan", []],
    ["shop", [...reportedBy("front end"), "CANCELLED"]],
    ["customer-service", []],
    ["reversal", reportedBy("reversal flow")],
    ["forward-flow", reportedBy("forward flow")],
    ["operator", STATES.map(({ name }) => name)],
    ["read-only", []],
  ])("%s reports the states that it is the reporter of", (role, states) => {
    expect(names(permissionsOf({ roles: [role] }).reportableStatuses)).toEqual(states);
  });

  test("every RPC but those of operations has a role besides operator", () => {
    const others = Object.keys(DEFAULT_PERMISSIONS.roles).filter((role) => role !== "operator");
    const unassigned = RPC_NAMES.filter((rpc) => !others.some((role) => permissionsOf({ roles: [role] }).canCall(rpc)));
    expect(unassigned.filter((rpc) => !/^(ActionService|ShadowService)\//.test(rpc))).toEqual([]);
  });

  test("read-only permits no RPC with side effects", () => {
    const readOnly = RPC_NAMES.filter((rpc) => permissionsOf({ roles: ["read-only"] }).canCall(rpc));
    expect(readOnly.filter((rpc) => !WITHOUT_SIDE_EFFECTS.includes(rpc))).toEqual([]);
  });

  test("an unknown role, or the name of an object property, has no permissions", () => {
    for (const role of ["unknown", "constructor", "__proto__", "toString"]) {
      const permissions = permissionsOf({ roles: [role] });
      expect([permissions.canCall("OrderStatusService/GetOrderStatus"), permissions.reportableStatuses.size]).toEqual([
        false,
        0,
      ]);
    }
  });
});

test("the permissions of several roles are combined", () => {
  const permissions = createPermissions(DEFAULT_PERMISSIONS)({ roles: ["pay", "customer-service"] });
  expect(names(permissions.reportableStatuses)).toEqual(["PAID"]);
  expect(permissions.canCall("OrderStatusService/MarkInvoicesPrinted")).toBe(true);
  expect(permissions.canCall("OrderStatusService/CancelOrder")).toBe(false);
});

describe("order sources", () => {
  const table = parsePermissionTable(
    JSON.stringify({
      roles: {
        all: { rpcs: ["*"] },
        meituan: { rpcs: ["OrderStatusService/*", "ActionService/*", "metrics"], orderSources: [2001, 2004] },
        eleme: { rpcs: ["OrderStatusService/GetOrderStatus"], orderSources: [2002] },
      },
    }),
    RPC_NAMES,
  );
  const scopeOf = (...roles: string[]) => createPermissions(table)({ roles }).orderScope;

  test("restrict the caller to the sources of all its restricted roles, in spite of its other roles", () => {
    expect(scopeOf("meituan")).toEqual(new Set([2001, 2004]));
    expect(scopeOf("meituan", "eleme")).toEqual(new Set([2001, 2004, 2002]));
    expect(scopeOf("all", "eleme", "unknown")).toEqual(new Set([2002]));
    for (const roles of [["all"], ["unknown"], []]) {
      expect(scopeOf(...roles)).toBeUndefined();
    }
  });

  test("the default roles that are restricted are those of the marketplaces, each to its own", () => {
    const permissionsOf = createPermissions(DEFAULT_PERMISSIONS);
    const scopes = Object.keys(DEFAULT_PERMISSIONS.roles).map((role) => permissionsOf({ roles: [role] }).orderScope);
    expect(scopes.flatMap((scope) => (scope === undefined ? [] : [[...scope]]))).toEqual(
      DEFAULT_ORDER_KINDS.marketplaceSources.map((source) => [source]),
    );
  });

  test("the RPCs that can be restricted exist", () => {
    expect([...SCOPED_RPCS].filter((rpc) => !RPC_NAMES.includes(rpc))).toEqual([]);
  });
});

describe("roles of a caller", () => {
  const table = {
    ...DEFAULT_PERMISSIONS,
    callers: { "wms-3": ["wms"] },
    certificates: { "tms-1": ["tms"] },
    legacyCallers: { "tms-1": ["dms"] },
  };

  test("those that the table assigns to its name, with every credential", () => {
    for (const credential of ["token", "certificate", "legacy"] as const) {
      expect(rolesOf(table, { name: "wms-3", credential, tokenRoles: ["operator"] })).toEqual(["wms"]);
    }
  });

  test("those of its token, and none if it has none, even for a caller named like a role", () => {
    expect(rolesOf(table, { name: "li", credential: "token", tokenRoles: ["operator"] })).toEqual(["operator"]);
    for (const name of ["operator", "tms-1", "constructor", "__proto__"]) {
      expect(rolesOf(table, { name, credential: "token", tokenRoles: [] })).toEqual([]);
      expect(rolesOf(DEFAULT_PERMISSIONS, { name, credential: "token", tokenRoles: [] })).toEqual([]);
    }
  });

  test("those that the table assigns to the certificate or to the legacy caller", () => {
    expect(rolesOf(table, { name: "tms-1", credential: "certificate" })).toEqual(["tms"]);
    expect(rolesOf(table, { name: "tms-1", credential: "legacy" })).toEqual(["dms"]);
    for (const credential of ["certificate", "legacy"] as const) {
      for (const name of ["operator", "constructor", "__proto__"]) {
        expect(rolesOf(table, { name, credential })).toEqual([]);
      }
      expect(rolesOf(DEFAULT_PERMISSIONS, { name: "tms", credential })).toEqual(["tms"]);
    }
  });
});

test("a role with a line break in its name is not two roles", () => {
  const permissionsOf = createPermissions(DEFAULT_PERMISSIONS);
  expect(permissionsOf({ roles: ["wms\noperator"] }).canCall("ActionService/ListActions")).toBe(false);
  expect(permissionsOf({ roles: ["wms", "operator"] }).canCall("ActionService/ListActions")).toBe(true);
  expect(permissionsOf({ roles: ["wms\noperator"] }).canCall("ActionService/ListActions")).toBe(false);
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
  [{ roles: { a: { rpcs: ["*"], orderSources: [] } } }, /^roles\.a\.orderSources: Too small/],
  [{ roles: { a: { rpcs: ["*"], orderSources: [0] } } }, /^roles\.a\.orderSources\.0: Too small/],
  [{ roles: { a: { rpcs: ["*"], orderSources: ["2001"] } } }, /^roles\.a\.orderSources\.0: .*expected number/],
  [{ roles: { a: { rpcs: ["*"], orderSources: [2 ** 31] } } }, /^roles\.a\.orderSources\.0: Too big/],
  [
    { roles: { a: { rpcs: ["OrderStatusService/*", "ActionService/Replay"], orderSources: [2001] } } },
    /^roles\.a\.rpcs\.1: ActionService\/Replay spans the orders of all sources: not possible in a role with orderSources$/,
  ],
  [{ roles: { a: { rpcs: [] } }, callers: { x: ["b"] } }, /^callers\.x: unknown role "b"; defined are a$/],
  [{ roles: { a: { rpcs: [] } }, certificates: { x: ["b"] } }, /^certificates\.x: unknown role "b"; defined are a$/],
  [{ roles: { a: { rpcs: [] } }, legacyCallers: { x: ["b"] } }, /^legacyCallers\.x: unknown role "b"; defined are a$/],
])("an invalid table: the error has the path and valid values: %j", (table, message) => {
  const text = typeof table === "string" ? table : JSON.stringify(table);
  expect(() => parsePermissionTable(text, RPC_NAMES)).toThrow(message);
});
