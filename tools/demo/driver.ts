import { randomUUID } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { FlowState } from "../../gen/oms/fulfilment/v1/fulfilment_service_pb.ts";
import { type OrderStatus, Outcome, ReturnVerdict } from "../../gen/oms/orderstatus/v1/order_status_pb.ts";
import type { UpdateOrderStatusRequestSchema } from "../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { CancelState } from "../../gen/oms/reversal/v1/order_reversal_service_pb.ts";
import { asCaller, type ServiceClients } from "../client/index.ts";
import { dueAfterCarrierChange, dueAfterInvoice, dueAfterStatus } from "./effects.ts";
import { type ExpectedState, expectFields, REPORTERS } from "./expected-state.ts";
import { isVirtual, type Line, type Order } from "./orders.ts";
import { controlWms } from "./stub-systems.ts";
import type { Watch } from "./watch.ts";

const MINUTE_MS = 60_000;
/** Longest wait for the WMS's answer to a cancel. */
const CANCEL_MS = 30_000;

type Report = MessageInitShape<typeof UpdateOrderStatusRequestSchema> & { readonly status: OrderStatus };

/** What the systems around the service tell of one order, each answer checked. Methods throw a Surprise. */
export type OrderDriver = ReturnType<typeof createOrderDriver>;

/** Where the teller looks and whom it asks beside the service. */
export interface DriverDeps {
  readonly watch: (orderId: bigint) => Watch;
  readonly stubSystemsUrl: string;
}

export function createOrderDriver(
  clients: ServiceClients,
  order: Order,
  { watch, stubSystemsUrl }: DriverDeps,
  begun: { readonly status: number; readonly version: number },
) {
  const outlook: ExpectedState = {
    order,
    ...begun,
    paused: false,
    late: 0,
    events: begun.version === 0 ? [] : [`${order.id}-1`],
    effects: begun.version === 0 ? [] : dueAfterStatus(order, begun.status, 1),
    stock: { allocated: 0, released: 0, dispatched: 0, takenBack: 0 },
    settled: order.lines,
  };
  const orderId = order.id;
  /** Each report is told with a time of its own, a minute after the one before, beginning two hours ago. */
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

  function moved(status: number): void {
    outlook.status = status;
    outlook.version += 1;
    outlook.events.push(`${orderId}-${outlook.version}`);
    outlook.effects.push(...dueAfterStatus(order, status, outlook.version));
  }

  /** The answer that a report gets now. */
  const answerNow = (outcome: Outcome) => ({
    outcome,
    orderId,
    orderStatus: outlook.status,
    version: BigInt(outlook.version),
    messageId: outcome === Outcome.STALE ? "" : `${orderId}-${outlook.version}`,
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

  const pieces = order.lines.reduce((sum, { quantity }) => sum + quantity, 0);

  /** The flow takes the order on. */
  async function flowsTo(...statuses: OrderStatus[]): Promise<void> {
    for (const status of statuses) {
      await watch(orderId).until(orderId, outlook.version + 1);
      moved(status);
      outlook.stock.allocated += status === 2010 ? pieces : 0;
      outlook.stock.dispatched += status === 2020 ? pieces : 0;
    }
    const now = await clients.orderStatus.getOrderStatus({ orderId }, asCaller("demo"));
    check("after the flow", now, { orderStatus: outlook.status, version: BigInt(outlook.version) });
  }

  const cancelEvents = (...steps: readonly string[]) =>
    outlook.events.push(...steps.map((step) => `${orderId}-cancel-${step}`));

  async function askCancel(): Promise<{ state: CancelState; children: readonly { orderId: bigint }[] }> {
    const request = { orderId, reason: "customer changed his mind", operator: "demo", requestId: randomUUID() };
    const answer = await clients.reversal.requestCancel(request, asCaller("shop"));
    const again = await clients.reversal.requestCancel(request, asCaller("shop"));
    check("retried cancel", again, { cancelId: answer.cancelId, state: answer.state });
    return answer;
  }

  function paused(paused: boolean): void {
    if (outlook.paused !== paused) {
      outlook.events.push(`${orderId}-pause-`);
    }
    outlook.paused = paused;
  }

  async function cancelEnds(state: CancelState): Promise<void> {
    for (const until = Date.now() + CANCEL_MS; ; ) {
      const found = await clients.reversal.getCancel({ orderId }, asCaller("shop"));
      if (found.state === state || Date.now() > until) {
        return check("cancel", found, { state });
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** The cancel that the WMS was asked about has been closed. */
  function closed(agreed: boolean, wmsTook: boolean): void {
    if (agreed) {
      moved(9001);
      cancelEvents("agreed", "done");
      outlook.stock.takenBack += wmsTook ? pieces : 0;
      outlook.stock.released += wmsTook ? pieces : 0;
    } else {
      paused(false);
      cancelEvents("refused");
    }
  }

  async function setPause(paused: boolean): Promise<void> {
    const request = { orderId, paused, reason: "demo", operator: "demo" };
    const answer = await clients.orderStatus.setOrderPause(request, asCaller("reversal-flow"));
    const changed = outlook.paused !== paused;
    check(paused ? "pause" : "resume", answer, { success: true, changed, message: "暂停订单成功" });
    if (changed) {
      outlook.events.push(`${orderId}-pause-`);
    }
    outlook.paused = paused;
  }

  return {
    order,
    outlook,
    /** The shop sends the order in. */
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
      check("submitted", answer, { orderId });
      moved(1000);
    },
    flowsTo,
    /** Nothing happens to a paused order, and the flow says so. */
    async parked(): Promise<void> {
      for (const until = Date.now() + CANCEL_MS; ; ) {
        const { state } = await clients.fulfilment.getOrderFlow({ orderId }, asCaller("demo"));
        // RUNNING until the step that the payment asked for has seen the pause and ended.
        if (state !== FlowState.RUNNING || Date.now() > until) {
          return check("flow of a paused order", { state }, { state: FlowState.PAUSED });
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    /** The flow splits the order into these. */
    async split(): Promise<Order[]> {
      await flowsTo(1020, 1030);
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
    /** The customer wants the order cancelled while its stock is not yet allocated. */
    async cancelEarly(): Promise<void> {
      check("cancel", await askCancel(), { state: CancelState.CANCELLED });
      cancelEvents("requested", "done");
      paused(true);
      moved(9001);
    },
    /** The customer wants it cancelled while the warehouse has it. */
    async cancelInWarehouse(wms: "agrees" | "refuses" | "agrees later" | "refuses later"): Promise<void> {
      if (wms !== "agrees") {
        await controlWms(stubSystemsUrl, orderId, wms === "refuses" ? "refuse" : "later");
      }
      check("cancel", await askCancel(), { state: CancelState.WAITING_FOR_WMS });
      cancelEvents("requested");
      paused(true);
      const agreed = wms.startsWith("agrees");
      const state = agreed ? CancelState.CANCELLED : CancelState.REFUSED;
      if (wms.endsWith("later")) {
        const report = {
          orderId,
          agreed,
          reason: agreed ? "" : "already packed",
          operator: "demo",
          requestId: randomUUID(),
        };
        for (const what of ["answer of the WMS", "retried answer of the WMS"]) {
          check(what, await clients.reversal.reportWmsAnswer(report, asCaller("wms")), { state });
        }
      } else {
        await cancelEnds(state);
      }
      // Of an answer that the demo gives in its name the embedded WMS knows nothing: its books keep the pieces.
      closed(agreed, wms === "agrees");
    },
    /** It has left the warehouse. */
    async cancelTooLate(): Promise<void> {
      check("cancel", await askCancel(), { state: CancelState.REFUSED });
      cancelEvents("requested", "refused");
    },
    /** Of a split order each child is asked; the warehouses agree. */
    async cancelChildren(children: readonly { cancelOfParent(): Promise<void> }[]): Promise<void> {
      const answer = await askCancel();
      check("cancel of a split order", answer, { state: CancelState.REFUSED });
      cancelEvents("requested", "refused");
      check("children asked", { count: answer.children.length }, { count: children.length });
      for (const child of children) {
        await child.cancelOfParent();
      }
    },
    /** This child's cancel was asked for with its parent's. */
    async cancelOfParent(): Promise<void> {
      cancelEvents("requested");
      paused(true);
      await cancelEnds(CancelState.CANCELLED);
      closed(true, true);
    },
    /** Goods come back: more than were shipped are refused, and what was shipped is taken once. */
    async returnGoods(): Promise<void> {
      const lines = order.lines.map(({ skuId, quantity }) => ({ skuId, quantity }));
      const request = { orderId, reason: "not needed", operator: "demo" };
      const tooMany = lines.map((line) => ({ ...line, quantity: line.quantity + 1 }));
      await expectRefusal(
        "return of too many",
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
      outlook.events.push(`${orderId}-return-`, `${orderId}-return-`);
    },
    /** The order passes these states, each reported once. */
    async walk(...statuses: OrderStatus[]): Promise<void> {
      for (const status of statuses) {
        last = makeReport(status);
        const answer = await send(last);
        moved(status);
        check(`report of ${status}`, answer, answerNow(Outcome.APPLIED));
      }
    },
    /** The last report comes once more, as another request. */
    async again(): Promise<void> {
      if (last !== undefined) {
        const answer = await send({ ...last, requestId: randomUUID() });
        check(`doubled report of ${last.status}`, answer, answerNow(Outcome.DUPLICATE));
      }
    },
    /** The last report is sent again by a caller who missed the answer. */
    async retry(): Promise<void> {
      if (last !== undefined) {
        check(`retried report of ${last.status}`, await send(last), answerNow(Outcome.APPLIED));
      }
    },
    /** Two systems report the same at the same time. */
    async walkTwiceAtOnce(status: OrderStatus): Promise<void> {
      const reports = [makeReport(status), makeReport(status)];
      const answers = await Promise.all(reports.map(send));
      moved(status);
      const [one, other] = answers.toSorted((a, b) => a.outcome - b.outcome);
      check(`first of two reports of ${status}`, one ?? {}, answerNow(Outcome.APPLIED));
      check(`second of two reports of ${status}`, other ?? {}, answerNow(Outcome.DUPLICATE));
      last = reports[0];
    },
    /** Something that happened long ago is reported now. */
    async late(status: OrderStatus): Promise<void> {
      const report = makeReport(status, new Date(begin));
      const answer = await send(report);
      outlook.late += 1;
      check(`late report of ${status}`, answer, answerNow(Outcome.STALE));
    },
    /** Something is reported that cannot be. */
    async refused(
      status: OrderStatus,
      reason: "ILLEGAL_TRANSITION" | "ORDER_PAUSED" = "ILLEGAL_TRANSITION",
    ): Promise<void> {
      const report = makeReport(status);
      const sent = clients.orderStatus.updateOrderStatus(report, asCaller(REPORTERS[status] ?? "demo"));
      await expectRefusal(`impossible report of ${status}`, reason, sent);
    },
    /** Several reports in one call, an impossible one among them. */
    async walkInBatch(statuses: readonly OrderStatus[], impossible: OrderStatus): Promise<void> {
      const updates = [...statuses.slice(0, 1), impossible, ...statuses.slice(1)].map((status) => makeReport(status));
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
        moved(updates[index]?.status ?? 0);
        check(what, result.value ?? {}, answerNow(Outcome.APPLIED));
      }
      check("batch", { results: results.length }, { results: updates.length });
      last = updates.at(-1);
    },
    pause: () => setPause(true),
    resume: () => setPause(false),
    /** It has left the warehouse: past the reversal flow nobody can cancel it either. */
    async cancelRefused(): Promise<void> {
      const sent = clients.orderStatus.cancelOrder({ orderId, operator: "demo" }, asCaller("reversal-flow"));
      await expectRefusal("cancel", "ILLEGAL_TRANSITION", sent);
    },
    /** The warehouse tells what it really shipped, and repeats itself. */
    async ship(lines: readonly Line[]): Promise<void> {
      const request = { orderId, lines: [...lines], requestId: randomUUID(), operator: "demo" };
      for (const what of ["shipped quantities", "retried shipped quantities"]) {
        check(what, await clients.orderStatus.recordShippedQuantities(request, asCaller("rwms")), {
          recordedCount: lines.length,
        });
      }
      outlook.settled = lines;
      outlook.events.push(`${orderId}-shipped-`);
    },
    /** The warehouse hands the parcel to another carrier, and repeats itself. */
    async changeCarrier(): Promise<void> {
      const carrier = { deliveryId: "642", deliveryCompany: "中通快递", waybillNo: `ZT${orderId}` };
      const request = { orderId, ...carrier, operator: "demo" };
      const effects = dueAfterCarrierChange(order);
      const first = await clients.orderStatus.updateDeliveryInfo(request, asCaller("wms"));
      check("new carrier", first, { changed: true, thirdPartyNotified: effects.length > 0 });
      check("same carrier", await clients.orderStatus.updateDeliveryInfo(request, asCaller("wms")), { changed: false });
      outlook.events.push(`${orderId}-delivery-`);
      outlook.effects.push(...effects);
    },
    /** Customer service has the invoice printed, and presses the button twice. */
    async printInvoice(mailed: boolean): Promise<void> {
      const request = {
        orderIds: [orderId],
        invoiceContent: "商品明细",
        taxPayerCode: "91310000MA1K00000X",
        sendEmail: mailed,
      };
      for (const what of ["invoice", "invoice again"]) {
        const answer = await clients.orderStatus.markInvoicesPrinted(request, asCaller("fms"));
        check(
          what,
          { updated: answer.updatedCount, missing: answer.missingOrderIds.length },
          { updated: 1, missing: 0 },
        );
      }
      outlook.events.push(`${orderId}-invoice-`);
      outlook.effects.push(...dueAfterInvoice(order, mailed));
    },
    /** The customer sends the goods back. */
    async sendBack(verdict: ReturnVerdict): Promise<void> {
      const answer = await clients.orderStatus.returnOrder({ orderId, operator: "demo" }, asCaller("reversal-flow"));
      check("return", answer, { verdict });
      if (verdict === ReturnVerdict.MARKED) {
        outlook.events.push(`${orderId}-return-`);
      }
    },
  };
}
