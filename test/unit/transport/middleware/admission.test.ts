import { create } from "@bufbuild/protobuf";
import { EmptySchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { OrderStatusService } from "../../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { unauthenticated } from "../../../../src/transport/auth/identity.ts";
import type { Auth, Identity } from "../../../../src/transport/auth/index.ts";
import { createCall, NEVER_ABORTED, type Rpc } from "../../../../src/transport/call.ts";
import { admitted, createAdmission, shedLoad } from "../../../../src/transport/middleware/admission.ts";

const MESSAGE = create(EmptySchema);
const RPC: Rpc = {
  method: OrderStatusService.method.getOrderStatus,
  streaming: false,
  hasSideEffects: false,
  maxRequestBytes: 1_024,
};

/** Authenticates by the caller's certificate name; the role `reader` may call GetOrderStatus. */
const auth: Auth = {
  authenticate({ peer: { certificate } }) {
    if (certificate?.name === undefined) {
      throw unauthenticated("authentication required");
    }
    const { name, expiresAt } = certificate;
    return { name, credential: "certificate", roles: [name], operator: "li.wei", expiresAt };
  },
  permissionsOf: ({ roles }: Identity) => ({
    canCall: (rpc) => roles.includes("reader") && rpc === "OrderStatusService/GetOrderStatus",
    reportableStatuses: new Set([6010]),
    orderScope: undefined,
  }),
  denied: (_, error) => error,
  close() {},
};

const callOf = (name: string | undefined) =>
  createCall({
    transport: "grpc",
    header: () => undefined,
    peer: {
      address: "127.0.0.1",
      encrypted: true,
      certificate: name === undefined ? undefined : { name, expiresAt: Number.POSITIVE_INFINITY, thumbprint: "" },
    },
    deadline: undefined,
    signal: NEVER_ABORTED,
  });

const idle = { hasCapacity: () => true, onRejected() {} };
const admit = createAdmission(auth, idle)(RPC);
const handle = admitted(async () => MESSAGE, RPC);

test("sets caller, identity and reportable statuses", async () => {
  const call = callOf("reader");
  admit(call);
  expect(await handle(MESSAGE, call)).toBe(MESSAGE);
  expect(call).toMatchObject({
    caller: "reader",
    authenticatedOperator: "li.wei",
    identity: { name: "reader", roles: ["reader"] },
    reportableStatuses: new Set([6010]),
  });
});

test("a call without credentials is unauthenticated", () => {
  const call = callOf(undefined);
  admit(call);
  expect(() => handle(MESSAGE, call)).toThrow(expect.objectContaining({ kind: "unauthenticated" }));
});

test("a caller without permission is rejected with its role and the RPC", () => {
  const call = callOf("wms");
  admit(call);
  expect(() => handle(MESSAGE, call)).toThrow(
    expect.objectContaining({
      kind: "permission-denied",
      message: "role wms lacks permission for OrderStatusService/GetOrderStatus",
    }),
  );
});

test("waits for a signature to be verified", async () => {
  const admitLater = createAdmission(
    { ...auth, authenticate: async (credentials) => auth.authenticate(credentials) },
    idle,
  )(RPC);
  const [known, unknown] = [callOf("reader"), callOf(undefined)];
  await Promise.all([admitLater(known), admitLater(unknown)]);
  expect([known.caller, known.rejection, unknown.rejection?.kind]).toEqual(["reader", undefined, "unauthenticated"]);
});

test("at capacity unary calls of all callers are rejected; streams have limits of their own", () => {
  const rejected: string[] = [];
  const busy = { hasCapacity: () => false, onRejected: (rpc: string) => void rejected.push(rpc) };
  const [unary, stream] = [callOf("reader"), callOf("reader")];
  createAdmission(auth, busy)(RPC)(unary);
  createAdmission(auth, busy)({ ...RPC, streaming: true })(stream);
  expect([unary.rejection?.kind, stream.rejection, rejected]).toEqual(["overloaded", undefined, ["GetOrderStatus"]]);
});

test("a call whose request arrives when the capacity is used up is rejected", () => {
  let hasCapacity = true;
  const loadShedding = { hasCapacity: () => hasCapacity, onRejected() {} };
  const call = callOf("reader");
  createAdmission(auth, loadShedding)(RPC)(call);
  expect(call.rejection).toBeUndefined();
  hasCapacity = false;
  expect(() => shedLoad(loadShedding)(handle, RPC)(MESSAGE, call)).toThrow(
    expect.objectContaining({ kind: "overloaded" }),
  );
});
