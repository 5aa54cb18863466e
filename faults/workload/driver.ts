import type { DescEnum, DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { FulfilmentService } from "../../gen/oms/fulfilment/v1/fulfilment_service_pb.ts";
import {
  type OrderStatus,
  type Outcome,
  OutcomeSchema,
  ReturnVerdictSchema,
} from "../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { OrderStatusService } from "../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import {
  type CancelState,
  CancelStateSchema,
  OrderReversalService,
} from "../../gen/oms/reversal/v1/order_reversal_service_pb.ts";
import { REPORTERS } from "../../tools/demo/expected-state.ts";
import { isVirtual, type Line, type Order } from "../../tools/demo/orders.ts";
import type { Random } from "../../tools/testkit/random.ts";
import { type ModelOrder, type ModelReport, answer as predictAnswer } from "../../tools/testkit/reference-model.ts";
import type { Batches } from "./batches.ts";
import type { Calls, Reply } from "./calls.ts";
import {
  type AnswerFields,
  type Call,
  createCall,
  type OrderJournal,
  type RequestedFields,
  recordAnswer,
} from "./journal.ts";

const { method } = OrderStatusService;
const fulfilment = FulfilmentService.method;
const reversal = OrderReversalService.method;

const HOUR_MS = 3_600_000;
/** Difference between the occurrence times of successive reports, in milliseconds. */
const REPORT_INTERVAL_MS = 1_000;
/** Calls of an order that may be repeated later. */
const MAX_REPEATABLE = 6;

export interface OrderDriverDeps {
  readonly calls: Calls;
  readonly batches: Batches;
  readonly random: Random;
}

/** Description of a call, for the journal. */
interface CallSpec<Message> {
  readonly requestId: string;
  readonly requested?: RequestedFields;
  readonly expected?: string | undefined;
  /** Short form of the answer, and its fields. */
  read(message: Message): readonly [answer: string, fields?: AnswerFields];
}

export interface ReportOptions {
  /** Occurrence time: later than all before, earlier than all, or absent. */
  readonly time?: "next" | "early" | "none";
  readonly batched?: boolean;
  /** Sets expected_version to the version of the model. */
  readonly pinned?: boolean;
  /** The answer is not predicted, because another report is sent concurrently. */
  readonly blind?: boolean;
}

/**
 * Drives one order: sends calls, records them in the journal, and predicts answers with the
 * reference model.
 */
export type OrderDriver = ReturnType<typeof createOrderDriver>;

export function createOrderDriver(
  { calls, batches, random }: OrderDriverDeps,
  journal: OrderJournal,
  begin: ModelOrder,
) {
  const { order } = journal;
  const orderId = order.id;
  let model = begin;
  /** Whether all changes of the order come from this driver. */
  let controlled = true;
  let requests = 0;
  const firstTime = Date.now() - HOUR_MS;
  let reports = 0;
  let contentCount = 0;
  let shippedLines: readonly Line[] = order.lines;
  let isReturned = false;
  const repeatable: (() => Promise<void>)[] = [];

  const nextRequestId = () => {
    requests += 1;
    return `faults-${orderId}-${requests}`;
  };

  const canPredict = () => controlled && !journal.uncertain;

  const addRepeatable = (repeat: () => Promise<void>) => {
    repeatable.push(repeat);
    if (repeatable.length > MAX_REPEATABLE) {
      repeatable.splice(random.below(MAX_REPEATABLE), 1);
    }
  };

  function startCall(rpc: string, { requestId, requested = {}, expected }: CallSpec<never>): Call {
    const call = createCall({ rpc, requestId, requested, expected: canPredict() ? expected : undefined });
    journal.calls.push(call);
    return call;
  }

  /** Sends a call and records its answer. */
  async function execute<Message extends object>(
    call: Call,
    spec: CallSpec<Message>,
    send: () => Promise<Reply<Message>>,
  ): Promise<Reply<Message>> {
    const first = call.answer === undefined;
    const reply = await send();
    if (reply.kind === "answered") {
      const [answer, fields] = spec.read(reply.message);
      recordAnswer(call, answer, textOf(reply.message), fields);
    } else if (first) {
      recordAnswer(call, reply.reason, "", undefined);
    } else {
      call.differingAnswers = [...(call.differingAnswers ?? []), reply.reason];
    }
    if (call.indeterminate > 0 && (call.requestId === "" || reply.kind === "rejected")) {
      journal.uncertain = true;
    }
    return reply;
  }

  async function change<I extends DescMessage, O extends DescMessage>(
    rpc: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    caller: string,
    spec: CallSpec<MessageShape<O>>,
  ): Promise<Reply<MessageShape<O>>> {
    const call = startCall(rpc.name, spec as CallSpec<never>);
    const send = () => execute(call, spec, () => calls.send(random, rpc, request, caller, call));
    const reply = await send();
    if (spec.requestId !== "" && reply.kind === "answered") {
      addRepeatable(async () => void (await send()));
    }
    return reply;
  }

  /**
   * Sends a query and compares the response with the expected fields, or with the expected
   * rejection.
   */
  async function query<I extends DescMessage, O extends DescMessage>(
    rpc: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    expected: Readonly<Record<string, unknown>> | string,
  ): Promise<MessageShape<O> | undefined> {
    const known = canPredict();
    const reply = await calls.send(random, rpc, request, "faults", { sent: 0, indeterminate: 0 });
    // An earlier attempt without an answer may have been executed meanwhile.
    if (known && canPredict()) {
      if (reply.kind === "rejected") {
        if (reply.reason !== expected) {
          journal.unexpectedResponses.push(
            `${rpc.name} was rejected with ${reply.reason}, expected ${JSON.stringify(expected)}`,
          );
        }
      } else if (typeof expected === "string") {
        journal.unexpectedResponses.push(`${rpc.name} was answered, expected ${expected}`);
      } else {
        for (const [field, value] of Object.entries(expected)) {
          const found = (reply.message as Record<string, unknown>)[field];
          if (found !== value) {
            journal.unexpectedResponses.push(`${rpc.name}: ${field} is ${String(found)}, expected ${String(value)}`);
          }
        }
      }
    }
    return reply.kind === "answered" ? reply.message : undefined;
  }

  const readReport = (message: { outcome: Outcome; orderStatus: number; version: bigint; messageId: string }) =>
    [
      `${nameIn(OutcomeSchema, message.outcome)} ${message.orderStatus} v${message.version}`,
      { version: Number(message.version), messageId: message.messageId },
    ] as const;

  /** The answer that the model predicts, and its state afterwards. */
  function predict(report: ModelReport): { readonly after: ModelOrder; readonly expected: string } {
    const after = { ...model, visited: [...model.visited] };
    const outcome = predictAnswer(after, report, Date.now());
    const texts = {
      applied: `APPLIED ${after.status} v${after.version}`,
      duplicate: `DUPLICATE ${after.status} v${after.version}`,
      stale: `STALE ${after.status} v${after.version}`,
      illegal: "ILLEGAL_TRANSITION",
      paused: "ORDER_PAUSED",
    };
    return { after, expected: texts[outcome] };
  }

  /** Sets the model to the state that the service reports. */
  async function refresh(): Promise<void> {
    const now = await query(method.getOrderStatus, { orderId }, {});
    if (now !== undefined) {
      const { orderStatus: status, version, paused } = now;
      const visited = [...model.visited, model.status, status];
      model = { ...model, status, version: Number(version), paused, visited };
    }
  }

  async function adopt(after: ModelOrder, answer: string | undefined, expected: string): Promise<void> {
    if (answer === expected) {
      model = after;
    } else {
      await refresh();
    }
  }

  async function report(status: number, how: ReportOptions = {}): Promise<string> {
    const { time = journal.origin === "inserted" ? "next" : "none", batched = false, pinned = false } = how;
    reports += time === "next" ? 1 : 0;
    const occurTime = { next: firstTime + reports * REPORT_INTERVAL_MS, early: firstTime - HOUR_MS, none: undefined }[
      time
    ];
    const { after, expected } = predict({ status, by: "report", occurTime });
    const update = {
      orderId,
      status: status as OrderStatus,
      requestId: nextRequestId(),
      operator: "faults",
      ...(occurTime !== undefined && { occurTime: timestampFromMs(occurTime) }),
      ...(pinned && { expectedVersion: BigInt(model.version) }),
    };
    const caller = REPORTERS[status] ?? "faults";
    const spec = {
      requestId: update.requestId,
      requested: { status },
      expected: how.blind === true ? undefined : expected,
      read: readReport,
    };
    const call = startCall(method.updateOrderStatus.name, spec as CallSpec<never>);
    const alone = () => calls.send(random, method.updateOrderStatus, update, caller, call);
    const reply = await execute(call, spec, batched ? () => batches.report(update, call) : alone);
    if (reply.kind === "answered") {
      addRepeatable(async () => void (await execute(call, spec, alone)));
    }
    if (how.blind !== true) {
      await adopt(after, call.answer, expected);
    }
    return call.answer ?? "";
  }

  const nextContent = () => {
    contentCount += 1;
    return `${contentCount} of ${orderId}`;
  };

  async function setPause(paused: boolean): Promise<void> {
    await change(
      method.setOrderPause,
      { orderId, paused, reason: "a fault run", operator: "faults" },
      "reversal-flow",
      { requestId: "", requested: { paused }, expected: "OK", read: ({ changed }) => ["OK", { changed }] },
    );
    model = { ...model, paused };
  }

  /** Pauses the order for a cancel or a rejection; it stays paused. */
  async function pauseFor(what: "cancel" | "rejection"): Promise<void> {
    const request = { orderId, operator: "faults" };
    const spec: CallSpec<unknown> = { requestId: "", requested: { paused: true }, expected: "OK", read: () => ["OK"] };
    if (what === "cancel") {
      await change(method.pauseForCancel, request, "reversal-flow", spec);
    } else {
      await change(method.pauseForRejection, request, "reversal-flow", spec);
    }
    model = { ...model, paused: true };
  }

  async function cancel(): Promise<void> {
    const { after, expected } = predict({ status: 9001, by: "operation", occurTime: undefined });
    const requestId = nextRequestId();
    const request = { orderId, operator: "faults", reason: "a fault run", requestId };
    const reply = await change(method.cancelOrder, request, "reversal-flow", {
      requestId,
      requested: { status: 9001 },
      expected,
      read: readReport,
    });
    const answer = reply.kind === "answered" ? readReport(reply.message)[0] : reply.reason;
    await adopt(after, answer, expected);
  }

  /**
   * Requests a cancel. Its answer is not predicted, because the flow may change the order
   * meanwhile.
   */
  async function requestCancel(): Promise<CancelState | undefined> {
    const requestId = nextRequestId();
    const request = { orderId, reason: "a fault run", operator: "faults", requestId };
    const reply = await change(reversal.requestCancel, request, "shop", {
      requestId,
      read: ({ state, cancelId }) => [nameIn(CancelStateSchema, state), { cancelId: String(cancelId) }],
    });
    return reply.kind === "answered" ? reply.message.state : undefined;
  }

  async function reportWmsAnswer(agreed: boolean): Promise<void> {
    const requestId = nextRequestId();
    const request = { orderId, agreed, reason: agreed ? "" : "already packed", operator: "faults", requestId };
    await change(reversal.reportWmsAnswer, request, "wms", {
      requestId,
      requested: { agreed },
      read: ({ state }) => [nameIn(CancelStateSchema, state)],
    });
  }

  async function cancelState(): Promise<CancelState | undefined> {
    return (await query(reversal.getCancel, { orderId }, {}))?.state;
  }

  /** Returns all shipped goods, or one piece more of each than was shipped. */
  async function returnGoods(tooMany: boolean): Promise<void> {
    const requestId = nextRequestId();
    const lines = shippedLines
      .map(({ skuId, quantity }) => ({ skuId, quantity: tooMany ? quantity + 1 : quantity }))
      .filter(({ quantity }) => quantity > 0);
    if (lines.length === 0) {
      return;
    }
    const verdict = model.status === 9001 ? "CANCELLED" : model.status < 4010 ? "NOT_HANDED_OVER" : ("MARKED" as const);
    const refused = verdict === "MARKED" && (tooMany || isReturned);
    const request = { orderId, lines, reason: "a fault run", operator: "faults", requestId };
    await change(reversal.requestReturn, request, "shop", {
      requestId,
      requested: { pieces: lines.reduce((sum, { quantity }) => sum + quantity, 0) },
      expected: refused ? "INVALID_ARGUMENT" : verdict,
      read: (message) => [nameIn(ReturnVerdictSchema, message.verdict), { returnId: String(message.returnId) }],
    });
    isReturned ||= verdict === "MARKED" && !tooMany;
  }

  async function markReturned(): Promise<void> {
    const verdict = model.status === 9001 ? "CANCELLED" : model.status < 4010 ? "NOT_HANDED_OVER" : "MARKED";
    await change(method.returnOrder, { orderId, operator: "faults" }, "reversal-flow", {
      requestId: "",
      expected: verdict,
      read: (message) => [nameIn(ReturnVerdictSchema, message.verdict)],
    });
  }

  async function recordShipment(): Promise<void> {
    const requestId = nextRequestId();
    const lines = order.lines.map(({ skuId, quantity }) => ({ skuId, quantity: random.below(quantity + 1) }));
    const unique = [...new Map(lines.map((line) => [line.skuId, line])).values()];
    await change(method.recordShippedQuantities, { orderId, lines: unique, requestId, operator: "faults" }, "rwms", {
      requestId,
      expected: "OK",
      read: () => ["OK"],
    });
    shippedLines = unique;
  }

  async function changeCarrier(): Promise<void> {
    const content = nextContent();
    const request = { orderId, deliveryId: "642", deliveryCompany: "中通快递", waybillNo: content, operator: "faults" };
    await change(method.updateDeliveryInfo, request, "wms", {
      requestId: "",
      requested: { content },
      expected: "OK",
      read: ({ changed }) => ["OK", { changed }],
    });
  }

  async function printInvoice(mailed: boolean): Promise<void> {
    const content = nextContent();
    const request = {
      orderIds: [orderId],
      invoiceTitle: `客户 ${orderId}`,
      invoiceContent: content,
      taxPayerCode: "91310000MA1K00000X",
      invoiceEmail: `customer-${orderId}@example.com`,
      sendEmail: mailed,
    };
    await change(method.markInvoicesPrinted, request, "fms", {
      requestId: "",
      requested: { content, mailed },
      // A split order has no invoice of its own.
      expected: journal.origin === "split" ? "MISSING" : "OK",
      read: ({ updatedCount }) => [updatedCount === 1 ? "OK" : "MISSING"],
    });
  }

  /** Sends a random query. */
  async function queryAny(): Promise<void> {
    switch (random.below(8)) {
      case 0:
        await query(method.getPaymentStatus, { orderId }, expectedPaid() === undefined ? {} : { paid: expectedPaid() });
        break;
      case 1:
        await query(method.getOrderStatus, { orderId }, expectedState());
        break;
      case 2:
        await query(method.checkPayable, { orderId }, {});
        break;
      case 3:
        if (journal.origin === "inserted" && !order.isParent) {
          // In a trade of one order that order is the furthest.
          await query(method.getMaxSubOrderStatus, { rootOrderId: orderId }, { orderStatus: model.status });
        }
        break;
      case 4:
        await query(method.listOrderSources, {}, {});
        break;
      case 5:
        await query(method.explainOrder, { orderId }, expectedState());
        break;
      case 6:
        await query(method.batchGetOrderStatus, { orderIds: [orderId] }, {});
        break;
      default:
        await query(method.listShipmentTypes, {}, {});
    }
  }

  const expectedPaid = () => {
    const paid = model.visited.includes(1010) || journal.origin === "split";
    return paid || model.status === 1000 ? paid : undefined;
  };

  const expectedState = () => ({ orderStatus: model.status, version: BigInt(model.version), paused: model.paused });

  return {
    order,
    journal,
    get model() {
      return model;
    },
    /** False while the flow may change the order: answers are not predicted. */
    set controlled(value: boolean) {
      controlled = value;
    },
    /** The model cannot predict this order any more. */
    get uncertain() {
      return journal.uncertain;
    },
    report,
    /** Sends the same report twice concurrently: one must be applied, the other a duplicate. */
    async reportTwice(status: number): Promise<void> {
      const answers = await Promise.all([report(status, { blind: true }), report(status, { blind: true })]);
      const [one = "", other = ""] = answers.toSorted();
      if (canPredict() && !(one.startsWith("APPLIED") && other.startsWith("DUPLICATE"))) {
        journal.unexpectedResponses.push(`two concurrent reports of ${status} were answered ${one} and ${other}`);
      }
      await refresh();
      model = { ...model, latest: Math.max(model.latest ?? 0, firstTime + reports * REPORT_INTERVAL_MS) };
    },
    predict: (status: number) => predict({ status, by: "report", occurTime: undefined }).expected,
    /** Repeats an earlier call with the same request id. */
    async repeat(): Promise<void> {
      if (repeatable.length > 0) {
        await repeatable[random.below(repeatable.length)]?.();
      }
    },
    refresh,
    setPause,
    pauseFor,
    cancel,
    requestCancel,
    reportWmsAnswer,
    cancelState,
    returnGoods,
    markReturned,
    recordShipment,
    changeCarrier,
    printInvoice,
    queryAny,
    getOrderStatus: () => query(method.getOrderStatus, { orderId }, {}),
    getOrderFlow: () => query(fulfilment.getOrderFlow, { orderId }, {}),
    maxSubOrderStatus: () => query(method.getMaxSubOrderStatus, { rootOrderId: orderId }, {}),
    /** Ends the scenario and records the final state of the model. */
    finish(): void {
      if (canPredict()) {
        const { status, version, paused } = model;
        journal.endState = { status, version, paused };
      }
    },
  };
}

/** Model of an order that has visited these states. */
export function modelAt(order: Order, visited: readonly number[], version: number): ModelOrder {
  return {
    status: visited.at(-1) ?? 1000,
    version,
    paused: false,
    virtual: isVirtual(order),
    visited: [...visited],
    latest: null,
  };
}

/** Name of an enum value without its prefix. */
function nameIn(desc: DescEnum, value: number): string {
  return desc.value[value]?.localName ?? String(value);
}

/** A message as text, equal for equal messages. */
function textOf(message: object): string {
  return JSON.stringify(message, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value));
}
