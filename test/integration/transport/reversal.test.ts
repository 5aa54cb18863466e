import { describe, expect, test } from "vitest";
import { CancelVerdict, ReturnVerdict } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { CancelState } from "../../../gen/oms/reversal/v1/order_reversal_service_pb.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { TRANSPORTS, type TransportName } from "../../support/clients.ts";
import { failure, plain } from "../../support/failures.ts";
import { eventsOf, insertOrder, nextOrderId } from "../../support/orders.ts";
import { useService } from "../../support/service.ts";

const harness = useService();
const operator = "zhou";

/** One suite for all transports: each responds the same. */
describe.each(Object.keys(TRANSPORTS) as TransportName[])("%s", (transport) => {
  const call = () => harness.clients(transport).reversal;

  test("a cancel refused by the WMS later", async () => {
    const orderId = await insertOrder(harness.db, Status.PICKING);
    const { cancelId, ...requested } = await call().requestCancel({ orderId, operator, reason: "wrong size" });
    expect(plain(requested)).toEqual({ state: CancelState.WAITING_FOR_WMS, refusalReason: "", children: [] });
    const open = { cancelId, currentProcess: 60, processFlag: 60, verdict: CancelVerdict.ASK_WMS };
    expect(plain(await call().getCancel({ orderId }))).toEqual({
      ...open,
      state: CancelState.WAITING_FOR_WMS,
      refusalReason: "",
      requestTime: expect.any(Date),
    });

    const { state } = await call().reportWmsAnswer({ orderId, agreed: false, reason: "packed", operator });

    expect(state).toBe(CancelState.REFUSED);
    expect(plain(await call().getCancel({ orderId }))).toEqual({
      ...open,
      currentProcess: 100,
      state: CancelState.REFUSED,
      refusalReason: "packed",
      requestTime: expect.any(Date),
      finishTime: expect.any(Date),
    });
  });

  test("a cancel that the WMS agrees to after it was refused, while the order can be cancelled", async () => {
    const orderId = await insertOrder(harness.db, Status.PICKING);
    await call().requestCancel({ orderId, operator, reason: "wrong size" });
    await call().reportWmsAnswer({ orderId, agreed: false, reason: "packed", operator });

    const { state } = await call().reportWmsAnswer({ orderId, agreed: true, operator });

    expect(state).toBe(CancelState.CANCELLED);
    expect(await harness.client(transport).getOrderStatus({ orderId })).toMatchObject({
      orderStatus: Status.CANCELLED,
    });
  });

  test("an agreement after the order was handed over is FAILED_PRECONDITION, and recorded", async () => {
    const orderId = await insertOrder(harness.db, Status.PACKED);
    const { cancelId } = await call().requestCancel({ orderId, operator, reason: "wrong size" });
    await call().reportWmsAnswer({ orderId, agreed: false, reason: "packed", operator });
    await harness.client(transport).updateOrderStatus({ orderId, status: Status.HANDED_OVER, operator });

    expect(await failure(call().reportWmsAnswer({ orderId, agreed: true, operator }))).toEqual({
      code: "FailedPrecondition",
      message:
        `order ${orderId}: the WMS agreed to the cancel, but the order can no longer be cancelled; ` +
        "the answer is recorded, and ListParked lists it",
      details: {
        ErrorInfo: {
          reason: "WMS_ANSWER_CONFLICT",
          domain: "orderstatus.oms",
          metadata: { order_id: String(orderId) },
        },
      },
    });
    expect((await eventsOf(harness.db, orderId)).at(-1)).toBe(
      `oms.v1.cancel.conflict ${orderId}-cancel-${cancelId}-conflict`,
    );
  });

  test("a return, its details, and its id in GetOrderStatus", async () => {
    const orderId = await insertOrder(harness.db, Status.DELIVERED);
    const goods = [11n, 12n].map((sku_id) => ({ order_id: orderId, sku_id, quantity: 1 }));
    await harness.db.insertInto("oms_db.oms_order_detail").values(goods).execute();
    const lines = [
      { skuId: 12n, quantity: 1 },
      { skuId: 11n, quantity: 1 },
    ];

    const { returnId, verdict } = await call().requestReturn({ orderId, lines, operator });

    expect(verdict).toBe(ReturnVerdict.MARKED);
    expect(plain((await call().listReturnDetails({ orderIds: [orderId] })).details)).toEqual(
      [11n, 12n].map((skuId) => ({ orderId, returnId, skuId, quantity: 1, createTime: expect.any(Date) })),
    );
    expect((await harness.client(transport).getOrderStatus({ orderId })).returnIds).toEqual([returnId]);
    expect(await failure(call().requestReturn({ orderId, lines, operator }))).toMatchObject({
      code: "InvalidArgument",
      details: { BadRequest: { fieldViolations: [{ field: "lines[0].quantity" }] } },
    });
  });

  test("an unknown cancel or order is NOT_FOUND; a request_id with other content ALREADY_EXISTS", async () => {
    const orderId = await insertOrder(harness.db, Status.CREATED);
    const missing = nextOrderId();
    const lines = [{ skuId: 1n, quantity: 1 }];
    for (const rejected of [
      () => call().getCancel({ orderId }),
      () => call().reportWmsAnswer({ orderId, agreed: true, operator }),
      () => call().requestCancel({ orderId: missing, operator }),
      () => call().requestReturn({ orderId: missing, lines, operator }),
    ]) {
      expect((await failure(rejected())).code).toBe("NotFound");
    }
    const requestId = `reversal-${orderId}`;
    await call().requestCancel({ orderId, operator, requestId });
    expect(await failure(call().requestCancel({ orderId, operator, requestId, reason: "x" }))).toMatchObject({
      code: "AlreadyExists",
      details: { ErrorInfo: { reason: "REQUEST_ID_REUSED" } },
    });
  });
});

describe("rows of the legacy system", () => {
  test.each([
    ["cancelled", Status.CANCELLED, 60, CancelState.CANCELLED],
    ["waiting for the WMS", Status.PICKING, 60, CancelState.WAITING_FOR_WMS],
    ["just requested", Status.PICKING, undefined, CancelState.REQUESTED],
  ])("%s", async (_name, status, process_flag, state) => {
    const order_id = await insertOrder(harness.db, status);
    await harness.db.insertInto("ordercancel_db.oms_order_cancel").values({ order_id }).execute();
    if (process_flag !== undefined) {
      await harness.db.insertInto("ordercancel_db.oms_push_issuccess").values({ order_id, process_flag }).execute();
    }
    const response = await harness.clients("gRPC").reversal.getCancel({ orderId: order_id });
    expect(response).toMatchObject({ cancelId: 0n, state, currentProcess: 0, processFlag: process_flag ?? 0 });
  });
});
