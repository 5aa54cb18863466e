import { randomUUID } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { status as GrpcCode } from "@grpc/grpc-js";
import {
  CancelVerdict,
  type OrderStatus,
  Outcome,
  ReturnVerdict,
} from "../../gen/oms/orderstatus/v1/order_status_pb.ts";
import {
  OrderStatusService,
  type UpdateOrderStatusRequestSchema,
} from "../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { type Client, errorInfoOf } from "./client.ts";
import { dueAfterCarrierChange, dueAfterInvoice, dueAfterStatus } from "./effects.ts";
import type { Line, Order } from "./orders.ts";
import { expectFields, type Outlook, REPORTERS } from "./outlook.ts";

const MINUTE_MS = 60_000;

type Report = MessageInitShape<typeof UpdateOrderStatusRequestSchema> & { readonly status: OrderStatus };

/** What the systems around the service tell of one order, each answer checked. Methods throw a Surprise. */
export type Teller = ReturnType<typeof createTeller>;

export function createTeller(client: Client, order: Order, onCall: () => void) {
  const outlook: Outlook = {
    order,
    status: 1000,
    version: 0,
    paused: false,
    late: 0,
    events: [],
    effects: [],
    settled: order.lines,
  };
  const orderId = order.id;
  const { method } = OrderStatusService;
  /** Each report is told with a time of its own, a minute after the one before, beginning two hours ago. */
  let minutes = 0;
  const begin = Date.now() - 120 * MINUTE_MS;
  let last: Report | undefined;

  const call: Client["call"] = async (rpc, request, caller) => {
    const answer = await client.call(rpc, request, caller);
    onCall();
    return answer;
  };

  const check = (what: string, answer: object, expected: Readonly<Record<string, unknown>>) =>
    expectFields(`order ${orderId}, ${what}`, answer, expected);

  function nextMinute(): Date {
    minutes += 1;
    return new Date(begin + minutes * MINUTE_MS);
  }

  function makeReport(status: OrderStatus, occurTime = nextMinute()): Report {
    return { orderId, status, operator: "demo", requestId: randomUUID(), occurTime: timestampFromDate(occurTime) };
  }

  const send = (report: Report) => call(method.updateOrderStatus, report, REPORTERS[report.status] ?? "demo");

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

  async function expectRefusal(what: string, reason: string, call: Promise<unknown>): Promise<void> {
    const failure = await call.then(
      () => undefined,
      (error: unknown) => error as { code?: number; message?: string },
    );
    onCall();
    check(
      what,
      { code: failure?.code, reason: errorInfoOf(failure)?.reason ?? failure?.message },
      {
        code: GrpcCode.FAILED_PRECONDITION,
        reason,
      },
    );
  }

  async function setPause(paused: boolean): Promise<void> {
    const request = { orderId, paused, reason: "demo", operator: "demo" };
    const answer = await call(method.setOrderPause, request, "reversal-flow");
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
      const sent = client.call(method.updateOrderStatus, report, REPORTERS[status] ?? "demo");
      await expectRefusal(`impossible report of ${status}`, reason, sent);
    },
    /** Several reports in one call, an impossible one among them. */
    async walkInBatch(statuses: readonly OrderStatus[], impossible: OrderStatus): Promise<void> {
      const updates = [...statuses.slice(0, 1), impossible, ...statuses.slice(1)].map((status) => makeReport(status));
      const { results } = await call(method.batchUpdateOrderStatus, { updates }, "wms");
      for (const [index, { result }] of results.entries()) {
        const what = `report ${index + 1} of a batch`;
        if (index === 1) {
          check(
            what,
            { case: result.case, code: result.case === "error" ? result.value.code : 0 },
            {
              case: "error",
              code: GrpcCode.FAILED_PRECONDITION,
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
    /** The reversal flow asks whether the order can be cancelled, which pauses it. */
    async askToCancel(verdict: CancelVerdict): Promise<void> {
      const answer = await call(method.pauseForCancel, { orderId, operator: "demo" }, "reversal-flow");
      const message = {
        [CancelVerdict.SPLIT_PARENT]: "不能取消",
        [CancelVerdict.BEFORE_ERP_ALLOCATION]: "占用erp前可取消",
        [CancelVerdict.ASK_WMS]: "订单已经过了erp占用节点，已经或即将下发WMS，需要询问WMS是否可以取消",
      }[verdict as number];
      check("pause for cancel", answer, { verdict, message, orderStatus: outlook.status });
      if (!outlook.paused) {
        outlook.events.push(`${orderId}-pause-`);
      }
      outlook.paused = true;
    },
    /** The warehouse agreed: the order is cancelled, and, as nobody heard the answer, cancelled again. */
    async cancel(): Promise<void> {
      const request = { orderId, operator: "demo", reason: "customer changed his mind", requestId: randomUUID() };
      const cancelNow = () => call(method.cancelOrder, request, "reversal-flow");
      const first = await cancelNow();
      moved(9001);
      const { orderId: _, ...expected } = answerNow(Outcome.APPLIED);
      check("cancel", first, expected);
      check("retried cancel", await cancelNow(), expected);
      const another = await call(method.cancelOrder, { ...request, requestId: "" }, "reversal-flow");
      check("doubled cancel", another, { ...expected, outcome: Outcome.DUPLICATE });
    },
    async cancelRefused(): Promise<void> {
      const sent = client.call(method.cancelOrder, { orderId, operator: "demo" }, "reversal-flow");
      await expectRefusal("cancel", "ILLEGAL_TRANSITION", sent);
    },
    /** The warehouse tells what it really shipped, and repeats itself. */
    async ship(lines: readonly Line[]): Promise<void> {
      const request = { orderId, lines: [...lines], requestId: randomUUID(), operator: "demo" };
      for (const what of ["shipped quantities", "retried shipped quantities"]) {
        check(what, await call(method.recordShippedQuantities, request, "rwms"), { recordedCount: lines.length });
      }
      outlook.settled = lines;
      outlook.events.push(`${orderId}-shipped-`);
    },
    /** The warehouse hands the parcel to another carrier, and repeats itself. */
    async changeCarrier(): Promise<void> {
      const carrier = { deliveryId: "642", deliveryCompany: "中通快递", waybillNo: `ZT${orderId}` };
      const request = { orderId, ...carrier, operator: "demo" };
      const effects = dueAfterCarrierChange(order);
      const first = await call(method.updateDeliveryInfo, request, "wms");
      check("new carrier", first, { changed: true, thirdPartyNotified: effects.length > 0 });
      check("same carrier", await call(method.updateDeliveryInfo, request, "wms"), { changed: false });
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
        const answer = await call(method.markInvoicesPrinted, request, "fms");
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
      const answer = await call(method.returnOrder, { orderId, operator: "demo" }, "reversal-flow");
      check("return", answer, { verdict });
      if (verdict === ReturnVerdict.MARKED) {
        outlook.events.push(`${orderId}-return-`);
      }
    },
  };
}
