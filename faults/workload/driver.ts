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
import { answer, type ModelOrder, type ModelReport } from "../../test/unit/domain/reference-model.ts";
import { REPORTERS } from "../../tools/demo/expected-state.ts";
import { isVirtual, type Line, type Order } from "../../tools/demo/orders.ts";
import type { Random } from "../../tools/testkit/random.ts";
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
/** Between two reports of an order whose times the workload gives, in milliseconds. */
const STEP_MS = 1_000;
/** Calls of an order that may be sent again later. */
const REMEMBERED = 6;

export interface OrderDriverDeps {
  readonly calls: Calls;
  readonly batches: Batches;
  readonly random: Random;
}

/** What one call is, for the journal. */
interface Note<Message> {
  readonly requestId: string;
  readonly requested?: RequestedFields;
  readonly expected?: string | undefined;
  /** What the answer says, in a word or two, and what it gave. */
  read(message: Message): readonly [said: string, got?: AnswerFields];
}

/** How the reports of an order are made. */
export interface ReportOptions {
  /** With this of the reporter's times: the next one, long ago, or none. */
  readonly time?: "next" | "long ago" | "none";
  readonly batched?: boolean;
  /** Only at the version that the model knows. */
  readonly pinned?: boolean;
  /** Nothing is expected: others report at the same time. */
  readonly blind?: boolean;
}

/** Tells the service of one order, keeps the journal, and a model that says what each answer must be. */
export type OrderDriver = ReturnType<typeof createOrderDriver>;

export function createOrderDriver(
  { calls, batches, random }: OrderDriverDeps,
  journal: OrderJournal,
  begin: ModelOrder,
) {
  const { order } = journal;
  const orderId = order.id;
  let model = begin;
  /** Whether all that moves the order is told by us. */
  let exact = true;
  let requests = 0;
  const firstTime = Date.now() - HOUR_MS;
  let reports = 0;
  let contents = 0;
  let shipped: readonly Line[] = order.lines;
  let returned = false;
  const again: (() => Promise<void>)[] = [];

  const nextRequestId = () => {
    requests += 1;
    return `faults-${orderId}-${requests}`;
  };

  /** The service may be right where the model cannot know. */
  const knows = () => exact && !journal.uncertain;

  const remember = (repeat: () => Promise<void>) => {
    again.push(repeat);
    if (again.length > REMEMBERED) {
      again.splice(random.below(REMEMBERED), 1);
    }
  };

  function newCall(rpc: string, { requestId, requested = {}, expected }: Note<never>): Call {
    const call = createCall({ rpc, requestId, requested, expected: knows() ? expected : undefined });
    journal.calls.push(call);
    return call;
  }

  /** Sends a call and notes what came of it. */
  async function make<Message extends object>(
    call: Call,
    note: Note<Message>,
    send: () => Promise<Reply<Message>>,
  ): Promise<Reply<Message>> {
    const first = call.answer === undefined;
    const reply = await send();
    if (reply.kind === "answered") {
      const [said, got] = note.read(reply.message);
      recordAnswer(call, said, textOf(reply.message), got);
    } else if (first) {
      recordAnswer(call, reply.why, "", undefined);
    } else {
      call.differingAnswers = [...(call.differingAnswers ?? []), reply.why];
    }
    if (call.indeterminate > 0 && (call.requestId === "" || reply.kind === "refused")) {
      journal.uncertain = true;
    }
    return reply;
  }

  async function change<I extends DescMessage, O extends DescMessage>(
    rpc: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    caller: string,
    note: Note<MessageShape<O>>,
  ): Promise<Reply<MessageShape<O>>> {
    const call = newCall(rpc.name, note as Note<never>);
    const send = () => make(call, note, () => calls.send(random, rpc, request, caller, call));
    const reply = await send();
    if (note.requestId !== "" && reply.kind === "answered") {
      remember(async () => void (await send()));
    }
    return reply;
  }

  /** Asks without changing anything; what differs from the expectation is a response. */
  async function ask<I extends DescMessage, O extends DescMessage>(
    rpc: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    expected: Readonly<Record<string, unknown>> | string,
  ): Promise<MessageShape<O> | undefined> {
    const known = knows();
    const reply = await calls.send(random, rpc, request, "faults", { sent: 0, indeterminate: 0 });
    // Somebody may have found a call of ours meanwhile that nobody answered.
    if (known && knows()) {
      if (reply.kind === "refused") {
        if (reply.why !== expected) {
          journal.unexpectedResponses.push(`${rpc.name} says ${reply.why}, expected ${JSON.stringify(expected)}`);
        }
      } else if (typeof expected === "string") {
        journal.unexpectedResponses.push(`${rpc.name} answers, expected ${expected}`);
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

  /** What the model says to a report, and what it is like afterwards. */
  function foresee(report: ModelReport): { readonly after: ModelOrder; readonly expected: string } {
    const after = { ...model, visited: [...model.visited] };
    const said = answer(after, report, Date.now());
    const texts = {
      applied: `APPLIED ${after.status} v${after.version}`,
      duplicate: `DUPLICATE ${after.status} v${after.version}`,
      stale: `STALE ${after.status} v${after.version}`,
      illegal: "ILLEGAL_TRANSITION",
      paused: "ORDER_PAUSED",
    };
    return { after, expected: texts[said] };
  }

  /** Takes over what the service says of the order. */
  async function lookAgain(): Promise<void> {
    const now = await ask(method.getOrderStatus, { orderId }, {});
    if (now !== undefined) {
      const { orderStatus: status, version, paused } = now;
      const visited = [...model.visited, model.status, status];
      model = { ...model, status, version: Number(version), paused, visited };
    }
  }

  async function settle(after: ModelOrder, said: string | undefined, expected: string): Promise<void> {
    if (said === expected) {
      model = after;
    } else {
      await lookAgain();
    }
  }

  async function report(status: number, how: ReportOptions = {}): Promise<string> {
    const { time = journal.origin === "inserted" ? "next" : "none", batched = false, pinned = false } = how;
    reports += time === "next" ? 1 : 0;
    const occurTime = { next: firstTime + reports * STEP_MS, "long ago": firstTime - HOUR_MS, none: undefined }[time];
    const { after, expected } = foresee({ status, by: "report", occurTime });
    const update = {
      orderId,
      status: status as OrderStatus,
      requestId: nextRequestId(),
      operator: "faults",
      ...(occurTime !== undefined && { occurTime: timestampFromMs(occurTime) }),
      ...(pinned && { expectedVersion: BigInt(model.version) }),
    };
    const caller = REPORTERS[status] ?? "faults";
    const note = {
      requestId: update.requestId,
      requested: { status },
      expected: how.blind === true ? undefined : expected,
      read: readReport,
    };
    const call = newCall(method.updateOrderStatus.name, note as Note<never>);
    const alone = () => calls.send(random, method.updateOrderStatus, update, caller, call);
    const reply = await make(call, note, batched ? () => batches.report(update, call) : alone);
    if (reply.kind === "answered") {
      remember(async () => void (await make(call, note, alone)));
    }
    if (how.blind !== true) {
      await settle(after, call.answer, expected);
    }
    return call.answer ?? "";
  }

  const newContent = () => {
    contents += 1;
    return `${contents} of ${orderId}`;
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

  /** Pauses, asks old operation 1 or 2, and resumes. */
  async function judge(what: "cancel" | "rejection"): Promise<void> {
    const request = { orderId, operator: "faults" };
    const note: Note<unknown> = { requestId: "", requested: { paused: true }, expected: "OK", read: () => ["OK"] };
    if (what === "cancel") {
      await change(method.pauseForCancel, request, "reversal-flow", note);
    } else {
      await change(method.pauseForRejection, request, "reversal-flow", note);
    }
    model = { ...model, paused: true };
  }

  async function cancel(): Promise<void> {
    const { after, expected } = foresee({ status: 9001, by: "operation", occurTime: undefined });
    const requestId = nextRequestId();
    const request = { orderId, operator: "faults", reason: "a fault run", requestId };
    const reply = await change(method.cancelOrder, request, "reversal-flow", {
      requestId,
      requested: { status: 9001 },
      expected,
      read: readReport,
    });
    const said = reply.kind === "answered" ? readReport(reply.message)[0] : reply.why;
    await settle(after, said, expected);
  }

  /** Asks for a cancel; the order may be on its way meanwhile, so only the end of it is checked at. */
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
    return (await ask(reversal.getCancel, { orderId }, {}))?.state;
  }

  /** Goods come back, all of them; and, first, one more than were shipped. */
  async function returnGoods(tooMany: boolean): Promise<void> {
    const requestId = nextRequestId();
    const lines = shipped
      .map(({ skuId, quantity }) => ({ skuId, quantity: tooMany ? quantity + 1 : quantity }))
      .filter(({ quantity }) => quantity > 0);
    if (lines.length === 0) {
      return;
    }
    const verdict = model.status === 9001 ? "CANCELLED" : model.status < 4010 ? "NOT_HANDED_OVER" : ("MARKED" as const);
    const refused = verdict === "MARKED" && (tooMany || returned);
    const request = { orderId, lines, reason: "a fault run", operator: "faults", requestId };
    await change(reversal.requestReturn, request, "shop", {
      requestId,
      requested: { pieces: lines.reduce((sum, { quantity }) => sum + quantity, 0) },
      expected: refused ? "INVALID_ARGUMENT" : verdict,
      read: (message) => [nameIn(ReturnVerdictSchema, message.verdict), { returnId: String(message.returnId) }],
    });
    returned ||= verdict === "MARKED" && !tooMany;
  }

  async function markReturned(): Promise<void> {
    const verdict = model.status === 9001 ? "CANCELLED" : model.status < 4010 ? "NOT_HANDED_OVER" : "MARKED";
    await change(method.returnOrder, { orderId, operator: "faults" }, "reversal-flow", {
      requestId: "",
      expected: verdict,
      read: (message) => [nameIn(ReturnVerdictSchema, message.verdict)],
    });
  }

  async function ship(): Promise<void> {
    const requestId = nextRequestId();
    const lines = order.lines.map(({ skuId, quantity }) => ({ skuId, quantity: random.below(quantity + 1) }));
    const unique = [...new Map(lines.map((line) => [line.skuId, line])).values()];
    await change(method.recordShippedQuantities, { orderId, lines: unique, requestId, operator: "faults" }, "rwms", {
      requestId,
      expected: "OK",
      read: () => ["OK"],
    });
    shipped = unique;
  }

  async function changeCarrier(): Promise<void> {
    const content = newContent();
    const request = { orderId, deliveryId: "642", deliveryCompany: "中通快递", waybillNo: content, operator: "faults" };
    await change(method.updateDeliveryInfo, request, "wms", {
      requestId: "",
      requested: { content },
      expected: "OK",
      read: ({ changed }) => ["OK", { changed }],
    });
  }

  async function printInvoice(mailed: boolean): Promise<void> {
    const content = newContent();
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
      // What an order was split into has no invoice of its own.
      expected: journal.origin === "split" ? "MISSING" : "OK",
      read: ({ updatedCount }) => [updatedCount === 1 ? "OK" : "MISSING"],
    });
  }

  /** One of the questions that change nothing. */
  async function wonder(): Promise<void> {
    switch (random.below(8)) {
      case 0:
        await ask(method.getPaymentStatus, { orderId }, isPaidFor() === undefined ? {} : { paid: isPaidFor() });
        break;
      case 1:
        await ask(method.getOrderStatus, { orderId }, standing());
        break;
      case 2:
        await ask(method.checkPayable, { orderId }, {});
        break;
      case 3:
        if (journal.origin === "inserted" && !order.isParent) {
          // A trade of one order has itself as its furthest.
          await ask(method.getMaxSubOrderStatus, { rootOrderId: orderId }, { orderStatus: model.status });
        }
        break;
      case 4:
        await ask(method.listOrderSources, {}, {});
        break;
      case 5:
        await ask(method.explainOrder, { orderId }, standing());
        break;
      case 6:
        await ask(method.batchGetOrderStatus, { orderIds: [orderId] }, {});
        break;
      default:
        await ask(method.listShipmentTypes, {}, {});
    }
  }

  const isPaidFor = () => {
    const paid = model.visited.includes(1010) || journal.origin === "split";
    return paid || model.status === 1000 ? paid : undefined;
  };

  const standing = () => ({ orderStatus: model.status, version: BigInt(model.version), paused: model.paused });

  return {
    order,
    journal,
    get model() {
      return model;
    },
    /** False: something else moves the order, and nothing is expected of answers. */
    set exact(value: boolean) {
      exact = value;
    },
    /** All that the model could know holds no more. */
    get uncertain() {
      return journal.uncertain;
    },
    report,
    /** Two systems report the same at the same time: one of them is first. */
    async reportTwice(status: number): Promise<void> {
      const said = await Promise.all([report(status, { blind: true }), report(status, { blind: true })]);
      const [one = "", other = ""] = said.toSorted();
      if (knows() && !(one.startsWith("APPLIED") && other.startsWith("DUPLICATE"))) {
        journal.unexpectedResponses.push(`two reports of ${status} at once answer ${one} and ${other}`);
      }
      await lookAgain();
      model = { ...model, latest: Math.max(model.latest ?? 0, firstTime + reports * STEP_MS) };
    },
    foresee: (status: number) => foresee({ status, by: "report", occurTime: undefined }).expected,
    /** An earlier call is sent again, with the same request id. */
    async repeat(): Promise<void> {
      if (again.length > 0) {
        await again[random.below(again.length)]?.();
      }
    },
    lookAgain,
    setPause,
    judge,
    cancel,
    requestCancel,
    reportWmsAnswer,
    cancelState,
    returnGoods,
    markReturned,
    ship,
    changeCarrier,
    printInvoice,
    wonder,
    getOrderStatus: () => ask(method.getOrderStatus, { orderId }, {}),
    getOrderFlow: () => ask(fulfilment.getOrderFlow, { orderId }, {}),
    maxSubOrderStatus: () => ask(method.getMaxSubOrderStatus, { rootOrderId: orderId }, {}),
    /** The life is over, and its order stands where the model says. */
    finish(): void {
      if (knows()) {
        const { status, version, paused } = model;
        journal.endState = { status, version, paused };
      }
    },
  };
}

/** The model of an order that nobody has told of yet, or that the flow has brought somewhere. */
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

/** The name of an enum's value as the contract has it, without its prefix. */
function nameIn(desc: DescEnum, value: number): string {
  return desc.value[value]?.localName ?? String(value);
}

/** A message as text, the same for equal ones. */
function textOf(message: object): string {
  return JSON.stringify(message, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value));
}
