import type { Order } from "../../tools/demo/orders.ts";
import type { ServiceAddress } from "../types.ts";
import type { Gateway } from "./gateway.ts";

/** A mutating call, with all its attempts. */
export interface Call {
  /** Name of the RPC; a report in a batch counts as UpdateOrderStatus. */
  readonly rpc: string;
  /** "" for RPCs without one. */
  readonly requestId: string;
  readonly requested: RequestedFields;
  /** Answer predicted by the reference model; undefined when it cannot be predicted. */
  readonly expected: string | undefined;
  /** Number of attempts. */
  sent: number;
  /** Attempts without an answer: each may still be executed later, by a frozen service. */
  indeterminate: number;
  /**
   * First answer: APPLIED, DUPLICATE, STALE, OK, or the reason of the rejection; undefined until
   * there is one.
   */
  answer: string | undefined;
  /** Fields of the first answer. */
  answerFields: AnswerFields | undefined;
  /** The complete first answer as text; "" for a rejection, which the service does not store. */
  firstAnswer: string;
  /** Number of later answers equal to the first. */
  equalAnswers: number;
  /** Later answers that differ from the first. */
  differingAnswers: string[] | undefined;
}

/** Requested values that checks compare. */
export interface RequestedFields {
  readonly status?: number;
  readonly paused?: boolean;
  readonly mailed?: boolean;
  readonly agreed?: boolean;
  /** Distinct per call: a carrier's name, the content of an invoice. */
  readonly content?: string;
  readonly pieces?: number;
}

export interface AnswerFields {
  readonly version?: number;
  readonly messageId?: string;
  readonly changed?: boolean;
  readonly returnId?: string;
  readonly cancelId?: string;
  readonly verdict?: number;
}

/** How an order was created. */
export type Origin =
  /** By rows that another system inserted; all its changes are reported by the workload. */
  | "inserted"
  /** By SubmitOrder; the forward flow changes it. */
  | "submitted"
  /** By the forward flow, which split another order. */
  | "split";

/** All mutating calls of one order, and what was observed. */
export interface OrderJournal {
  readonly order: Order;
  readonly origin: Origin;
  readonly calls: Call[];
  /**
   * A call whose answer the service does not store (a rejected one, a pause) had an attempt without
   * an answer. It may be executed at any later time, so the model cannot predict this order any
   * more; history and effects must still be consistent.
   */
  uncertain: boolean;
  /** Responses to queries that differ from the model. */
  readonly unexpectedResponses: string[];
  /** Final state of the model; undefined before the end, and when it cannot be predicted. */
  endState: { readonly status: number; readonly version: number; readonly paused: boolean } | undefined;
}

/** What the workload did and observed. */
export interface Journal {
  readonly seed: number;
  /** By order id. */
  readonly orders: ReadonlyMap<string, OrderJournal>;
  /** Submissions without an answer: whether their orders exist is unknown. */
  readonly unknownSubmissions: readonly Call[];
  /** Number of orders in the database before the workload. */
  readonly ordersBefore: number;
  /** Still connected, so that late notifications are received; the checks close it. */
  readonly gateway: Gateway;
  readonly services: readonly ServiceAddress[];
  readonly attempts: number;
  /** Attempts without an answer. */
  readonly indeterminate: number;
  /** Number of answered calls, by name of the RPC. */
  readonly answered: Readonly<Record<string, number>>;
}

export function createOrderJournal(order: Order, origin: Origin): OrderJournal {
  return { order, origin, calls: [], uncertain: false, unexpectedResponses: [], endState: undefined };
}

/** A call before its first attempt. */
export function createCall(call: Pick<Call, "rpc" | "requestId" | "requested" | "expected">): Call {
  return {
    ...call,
    sent: 0,
    indeterminate: 0,
    answer: undefined,
    answerFields: undefined,
    firstAnswer: "",
    equalAnswers: 0,
    differingAnswers: undefined,
  };
}

/**
 * Records the first answer, or compares a later one with it. A rejection is not stored by the
 * service and may change later.
 */
export function recordAnswer(call: Call, answer: string, whole: string, fields: AnswerFields | undefined): void {
  if (call.answer === undefined) {
    call.answer = answer;
    call.firstAnswer = whole;
    call.answerFields = fields;
  } else if (whole === call.firstAnswer) {
    call.equalAnswers += 1;
  } else {
    call.differingAnswers ??= [];
    call.differingAnswers.push(whole === "" ? answer : whole);
  }
}
