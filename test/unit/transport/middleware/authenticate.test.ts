import { create } from "@bufbuild/protobuf";
import { EmptySchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { OrderStatusService } from "../../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { unauthenticated } from "../../../../src/transport/auth/identity.ts";
import type { Auth, Identity } from "../../../../src/transport/auth/index.ts";
import { createCall, NEVER_ABORTED, type Rpc } from "../../../../src/transport/call.ts";
import { authenticate, authorize } from "../../../../src/transport/middleware/authenticate.ts";

const MESSAGE = create(EmptySchema);
const RPC: Rpc = { method: OrderStatusService.method.getOrderStatus, streaming: false, hasSideEffects: false };

/** Authenticates by the caller's certificate name; the role `reader` may call GetOrderStatus. */
const auth: Auth = {
  authenticate({ peer: { certificate } }) {
    if (certificate?.name === undefined) {
      throw unauthenticated("authentication required");
    }
    const { name, expiresAt } = certificate;
    return { name, credential: "certificate", roles: [name], expiresAt };
  },
  permissionsOf: ({ roles }: Identity) => ({
    canCall: (rpc) => roles.includes("reader") && rpc === "OrderStatusService/GetOrderStatus",
    reportableStatuses: new Set([6010]),
  }),
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
    malformed: undefined,
  });

const handle = authenticate(auth)(
  authorize(auth)(async () => MESSAGE, RPC),
  RPC,
);

test("sets caller, identity and reportable statuses", async () => {
  const call = callOf("reader");
  expect(await handle(MESSAGE, call)).toBe(MESSAGE);
  expect(call).toMatchObject({
    caller: "reader",
    identity: { name: "reader", roles: ["reader"] },
    reportableStatuses: new Set([6010]),
  });
});

test("a call without credentials is unauthenticated", () => {
  expect(() => handle(MESSAGE, callOf(undefined))).toThrow(expect.objectContaining({ kind: "unauthenticated" }));
});

test("a caller without permission is rejected with its role and the RPC", () => {
  expect(() => handle(MESSAGE, callOf("wms"))).toThrow(
    expect.objectContaining({
      kind: "permission-denied",
      message: "role wms lacks permission for OrderStatusService/GetOrderStatus",
    }),
  );
});
