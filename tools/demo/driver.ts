import { randomUUID } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { FlowState } from "../../gen/oms/fulfilment/v1/fulfilment_service_pb.ts";
import { type OrderStatus, Outcome, ReturnVerdict } from "../../gen/oms/orderstatus/v1/order_status_pb.ts";
import type { UpdateOrderStatusRequestSchema } from "../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { asCaller, type ServiceClients } from "../client/index.ts";
import { createCancels } from "./cancels.ts";
import { dueAfterCarrierChange, dueAfterInvoice, dueAfterStatus } from "./effects.ts";
import { applyPause, applyStatus, type ExpectedState, expectFields, piecesOf, REPORTERS } from "./expected-state.ts";
import { isVirtual, type Line, type Order } from "./orders.ts";
import type { Watch } from "./watch.ts";

const MINUTE_MS = 60_000;
/** Maximum wait for a state of the flow, in milliseconds. */
const FLOW_MS = 30_000;

type Report = MessageInitShape<typeof UpdateOrderStatusRequestSchema> & { readonly status: OrderStatus };

/**
 * Acts for the systems that report on one order, and checks each response. Methods throw
 * UnexpectedResponse.
 */
export type OrderDriver = ReturnType<typeof createOrderDriver>;

/** What a driver uses besides the service. */
export interface DriverDeps {
  readonly watch: (orderId: bigint) => Watch;
  readonly stubSystemsUrl: string;
}

export function createOrderDriver(
  clients: ServiceClients,
  order: Order,
  { watch, stubSystemsUrl }: DriverDeps,
  initial: { readonly status: number; readonly version: number },
) {
  const expected: ExpectedState = {
    order,
    ...initial,
    paused: false,
    late: 0,
    events: initial.version === 0 ? [] : [`${order.id}-1`],
    effects: initial.version === 0 ? [] : dueAfterStatus(order, initial.status, 1),
    stock: { allocated: 0, released: 0, dispatched: 0, takenBack: 0 },
    settled: order.lines,
  };
  const orderId = order.id;
  /** Reports have increasing times, one minute apart, starting two hours ago. */
  let minutes = 0;
  const begin = Date.now() - 120 * MINUTE_MS;
  let last: Report | undefined;

  const check = (what: string, answer: object, expected: Readonly<Record<string, unknown>>) =>
    expectFields(`order ${orderId}, ${what}`, answer, expected);

  function nextMinute(): Date {
    minutes += 1;
    return new Date(Math.max(Date.now(), begin + minutes * MINUTE_MS));
  }

  function makeReport(status: OrderStatus, occurTime = nextMinute()): Report {
    return { orderId, status, operator: "demo", requestId: randomUUID(), occurTime: timestampFromDate(occurTime) };
  }

  const send = (report: Report) =>
    clients.orderStatus.updateOrderStatus(report, asCaller(REPORTERS[report.status] ?? "demo"));

  /** The response to a report in the expected state. */
  const expectedResponse = (outcome: Outcome) => ({
    outcome,
    orderId,
    orderStatus: expected.status,
    version: BigInt(expected.version),
    messageId: outcome === Outcome.STALE ? "" : `${orderId}-${expected.version}`,
  });

  async function expectRefusal(what: string, reason: string | undefined, call: Promise<unknown>): Promise<void> {
    const failure = await call.then(
      () => undefined,
      (error: unknown) => ConnectError.from(error),
    );
    check(
      what,
      { code: failure?.code, reason: failure?.findDetails(ErrorInfoSchema)[0]?.reason ?? failure?.message },
      reason === undefined ? { code: Code.InvalidArgument } : { code: Code.FailedPrecondition, reason },
    );
  }

  /** Waits until the forward flow has set these states. */
  async function followFlow(...statuses: OrderStatus[]): Promise<void> {
    for (const status of statuses) {
      await watch(orderId).until(orderId, expected.version + 1);
      applyStatus(expected, status);
      expected.stock.allocated += status === 2010 ? piecesOf(order) : 0;
      expected.stock.dispatched += status === 2020 ? piecesOf(order) : 0;
    }
    const now = await clients.orderStatus.getOrderStatus({ orderId }, asCaller("demo"));
    check("after the forward flow", now, { orderStatus: expected.status, version: BigInt(expected.version) });
  }

  async function setPause(paused: boolean): Promise<void> {
    const request = { orderId, paused, reason: "demo", operator: "demo" };
    const answer = await clients.orderStatus.setOrderPause(request, asCaller("reversal-flow"));
    const changed = expected.paused !== paused;
    check(paused ? "pause" : "resume", answer, { success: true, changed, message: "暂停订单成功" });
    applyPause(expected, paused);
  }

  return {
    ...createCancels(clients, expected, stubSystemsUrl),
    order,
    expected,
    /** The shop submits the order. */
    async submit(): Promise<void> {
      const answer = await clients.fulfilment.submitOrder(
        {
          orderId,
          orderSource: order.source,
          orderType: order.type,
          lines: order.lines.map((line) => ({ ...line })),
          rechargeAccount: isVirtual(order) ? `138${String(orderId).slice(-8)}` : "",
          invoice: { title: `客户 ${orderId}`, content: "商品明细", email: `customer-${orderId}@example.com` },
          operator: "demo",
          requestId: randomUUID(),
        },
        asCaller("shop"),
      );
      check("submit", answer, { orderId });
      applyStatus(expected, 1000);
    },
    followFlow,
    /** The flow of a paused order is paused. */
    async expectPausedFlow(): Promise<void> {
      for (const until = Date.now() + FLOW_MS; ; ) {
        const { state } = await clients.fulfilment.getOrderFlow({ orderId }, asCaller("demo"));
        // RUNNING until the step started by the payment has seen the pause.
        if (state !== FlowState.RUNNING || Date.now() > until) {
          return check("flow of a paused order", { state }, { state: FlowState.PAUSED });
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    /** The flow splits the order; returns its child orders. */
    async expectSplit(): Promise<Order[]> {
      await followFlow(1020, 1030);
      const { childOrderIds, state } = await clients.fulfilment.getOrderFlow({ orderId }, asCaller("demo"));
      const warehouses = [...new Set(order.lines.map(({ warehouseId }) => warehouseId))];
      check("split", { children: childOrderIds.length, state }, { children: warehouses.length, state: FlowState.DONE });
      return childOrderIds.map((id, index) => ({
        ...order,
        id,
        isParent: false,
        lines: order.lines.filter(({ warehouseId }) => warehouseId === warehouses[index]),
      }));
    },
    /** The customer returns goods: more than were shipped are refused. */
    async requestReturn(): Promise<void> {
      const lines = order.lines.map(({ skuId, quantity }) => ({ skuId, quantity }));
      const request = { orderId, reason: "not needed", operator: "demo" };
      const tooMany = lines.map((line) => ({ ...line, quantity: line.quantity + 1 }));
      await expectRefusal(
        "return of too many pieces",
        undefined,
        clients.reversal.requestReturn({ ...request, lines: tooMany, requestId: randomUUID() }, asCaller("shop")),
      );
      const requestId = randomUUID();
      const answer = await clients.reversal.requestReturn({ ...request, lines, requestId }, asCaller("shop"));
      check("return", answer, { verdict: ReturnVerdict.MARKED });
      const again = await clients.reversal.requestReturn({ ...request, lines, requestId }, asCaller("shop"));
      check("retried return", again, { returnId: answer.returnId });
      const { details } = await clients.reversal.listReturnDetails({ orderIds: [orderId] }, asCaller("shop"));
      check("return details", { count: details.length }, { count: lines.length });
      expected.events.push(`${orderId}-return-`, `${orderId}-return-`);
    },
    /** Reports these states, each once. */
    async report(...statuses: OrderStatus[]): Promise<void> {
      for (const status of statuses) {
        last = makeReport(status);
        const answer = await send(last);
        applyStatus(expected, status);
        check(`report of ${status}`, answer, expectedResponse(Outcome.APPLIED));
      }
    },
    /** Repeats the last report as another request. */
    async reportAgain(): Promise<void> {
      if (last !== undefined) {
        const answer = await send({ ...last, requestId: randomUUID() });
        check(`repeated report of ${last.status}`, answer, expectedResponse(Outcome.DUPLICATE));
      }
    },
    /** Retries the last report with the same request id. */
    async retryReport(): Promise<void> {
      if (last !== undefined) {
        check(`retried report of ${last.status}`, await send(last), expectedResponse(Outcome.APPLIED));
      }
    },
    /** Two systems report the same state concurrently. */
    async reportConcurrently(status: OrderStatus): Promise<void> {
      const reports = [makeReport(status), makeReport(status)];
      const answers = await Promise.all(reports.map(send));
      applyStatus(expected, status);
      const [one, other] = answers.toSorted((a, b) => a.outcome - b.outcome);
      check(`first of two reports of ${status}`, one ?? {}, expectedResponse(Outcome.APPLIED));
      check(`second of two reports of ${status}`, other ?? {}, expectedResponse(Outcome.DUPLICATE));
      last = reports[0];
    },
    /** Reports a state with an occurrence time in the past. */
    async reportLate(status: OrderStatus): Promise<void> {
      const report = makeReport(status, new Date(begin));
      const answer = await send(report);
      expected.late += 1;
      check(`late report of ${status}`, answer, expectedResponse(Outcome.STALE));
    },
    /** Reports a state that must be refused. */
    async expectRefused(
      status: OrderStatus,
      reason: "ILLEGAL_TRANSITION" | "ORDER_PAUSED" = "ILLEGAL_TRANSITION",
    ): Promise<void> {
      const report = makeReport(status);
      const sent = clients.orderStatus.updateOrderStatus(report, asCaller(REPORTERS[status] ?? "demo"));
      await expectRefusal(`illegal report of ${status}`, reason, sent);
    },
    /** Several reports in one call, with an illegal one among them. */
    async reportBatch(statuses: readonly OrderStatus[], illegal: OrderStatus): Promise<void> {
      const updates = [...statuses.slice(0, 1), illegal, ...statuses.slice(1)].map((status) => makeReport(status));
      const { results } = await clients.orderStatus.batchUpdateOrderStatus({ updates }, asCaller("wms"));
      for (const [index, { result }] of results.entries()) {
        const what = `report ${index + 1} of a batch`;
        if (index === 1) {
          check(
            what,
            { case: result.case, code: result.case === "error" ? result.value.code : 0 },
            {
              case: "error",
              code: Code.FailedPrecondition,
            },
          );
          continue;
        }
        applyStatus(expected, updates[index]?.status ?? 0);
        check(what, result.value ?? {}, expectedResponse(Outcome.APPLIED));
      }
      check("batch", { results: results.length }, { results: updates.length });
      last = updates.at(-1);
    },
    pause: () => setPause(true),
    resume: () => setPause(false),
    /** CancelOrder is refused after the order has left the warehouse. */
    async expectCancelRefused(): Promise<void> {
      const sent = clients.orderStatus.cancelOrder({ orderId, operator: "demo" }, asCaller("reversal-flow"));
      await expectRefusal("cancel", "ILLEGAL_TRANSITION", sent);
    },
    /** The warehouse records the shipped quantities, twice. */
    async recordShipped(lines: readonly Line[]): Promise<void> {
      const request = { orderId, lines: [...lines], requestId: randomUUID(), operator: "demo" };
      for (const what of ["shipped quantities", "retried shipped quantities"]) {
        check(what, await clients.orderStatus.recordShippedQuantities(request, asCaller("rwms")), {
          recordedCount: lines.length,
        });
      }
      expected.settled = lines;
      expected.events.push(`${orderId}-shipped-`);
    },
    /** The warehouse changes the carrier, twice. */
    async changeCarrier(): Promise<void> {
      const carrier = { deliveryId: "642", deliveryCompany: "中通快递", waybillNo: `ZT${orderId}` };
      const request = { orderId, ...carrier, operator: "demo" };
      const effects = dueAfterCarrierChange(order);
      const first = await clients.orderStatus.updateDeliveryInfo(request, asCaller("wms"));
      check("new carrier", first, { changed: true, thirdPartyNotified: effects.length > 0 });
      check("same carrier", await clients.orderStatus.updateDeliveryInfo(request, asCaller("wms")), { changed: false });
      expected.events.push(`${orderId}-delivery-`);
      expected.effects.push(...effects);
    },
    /** Customer service prints the invoice, twice. */
    async printInvoice(mailed: boolean): Promise<void> {
      const request = {
        orderIds: [orderId],
        invoiceContent: "商品明细",
        taxPayerCode: "91310000MA1K00000X",
        sendEmail: mailed,
      };
      for (const what of ["invoice", "repeated invoice"]) {
        const answer = await clients.orderStatus.markInvoicesPrinted(request, asCaller("fms"));
        check(
          what,
          { updated: answer.updatedCount, missing: answer.missingOrderIds.length },
          { updated: 1, missing: 0 },
        );
      }
      expected.events.push(`${orderId}-invoice-`);
      expected.effects.push(...dueAfterInvoice(order, mailed));
    },
    /** ReturnOrder for the order. */
    async returnOrder(verdict: ReturnVerdict): Promise<void> {
      const answer = await clients.orderStatus.returnOrder({ orderId, operator: "demo" }, asCaller("reversal-flow"));
      check("return", answer, { verdict });
      if (verdict === ReturnVerdict.MARKED) {
        expected.events.push(`${orderId}-return-`);
      }
    },
  };
}
