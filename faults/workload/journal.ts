import type { Order } from "../../tools/demo/orders.ts";
import type { ServiceAddress } from "../types.ts";
import type { Gateway } from "./gateway.ts";

/** A changing call, however often it was sent. */
export interface Call {
  /** The RPC's name; a report in a batch is an UpdateOrderStatus. */
  readonly rpc: string;
  /** "" where the RPC has none. */
  readonly requestId: string;
  /** What was requested for, as far as the checkers need it: of a report the state. */
  readonly requested: RequestedFields;
  /** What the model of the order says to it; undefined where it cannot know. */
  readonly expected: string | undefined;
  /** How often it was sent. */
  sent: number;
  /** Of these, how many had no answer: each may still be carried out later, by a service that was frozen. */
  indeterminate: number;
  /** How it was answered first: APPLIED, DUPLICATE, STALE, OK, or why it was refused; undefined as long as it was not. */
  answer: string | undefined;
  /** What the first answer gave, by name. */
  answerFields: AnswerFields | undefined;
  /** The first answer, whole, as text; "" for a refusal, which the service does not keep. */
  firstAnswer: string;
  /** How often it was answered as the first time. */
  equalAnswers: number;
  /** Later answers that differ from the first one. */
  differingAnswers: string[] | undefined;
}

export interface RequestedFields {
  readonly status?: number;
  readonly paused?: boolean;
  readonly mailed?: boolean;
  readonly agreed?: boolean;
  /** Distinguishes contents that are different facts: a carrier's name, what an invoice says. */
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

/** How an order came to be. */
export type Origin =
  /** Its rows were inserted, as other systems do; all that happens to it is told by the workload. */
  | "inserted"
  /** By SubmitOrder; the forward flow moves it. */
  | "submitted"
  /** The forward flow split another order. */
  | "split";

/** Everything that was told of one order. */
export interface OrderJournal {
  readonly order: Order;
  readonly origin: Origin;
  readonly calls: Call[];
  /**
   * A call of which the service keeps no answer (a refused one, a pause) was sent and had none. It may be carried out at any later time, so
   * the model may be wrong about this order from then on; histories and effects must still fit together.
   */
  uncertain: boolean;
  /** Answers to questions that were not what the model says. */
  readonly unexpectedResponses: string[];
  /** Where the model left it; undefined while its life goes on, and where the model cannot know. */
  endState: { readonly status: number; readonly version: number; readonly paused: boolean } | undefined;
}

/** What the workload did and saw. */
export interface Journal {
  readonly seed: number;
  /** By the order's id. */
  readonly orders: ReadonlyMap<string, OrderJournal>;
  /** Submissions that were never answered: whether there is an order of theirs nobody knows. */
  readonly unknownSubmissions: readonly Call[];
  /** Orders that were there before. */
  readonly ordersBefore: number;
  /** Still there: what comes late comes to it as well, until the checks close it. */
  readonly gateway: Gateway;
  readonly services: readonly ServiceAddress[];
  /** Attempts, and those without an answer. */
  readonly attempts: number;
  readonly indeterminate: number;
  /** By the RPC's name: how many calls were answered. */
  readonly answered: Readonly<Record<string, number>>;
}

export function createOrderJournal(order: Order, origin: Origin): OrderJournal {
  return { order, origin, calls: [], uncertain: false, unexpectedResponses: [], endState: undefined };
}

/** A call that is about to be sent for the first time. */
export function createCall(given: Pick<Call, "rpc" | "requestId" | "requested" | "expected">): Call {
  return {
    ...given,
    sent: 0,
    indeterminate: 0,
    answer: undefined,
    answerFields: undefined,
    firstAnswer: "",
    equalAnswers: 0,
    differingAnswers: undefined,
  };
}

/** The service may not say otherwise later. A refusal is not kept, so it may. */
export function recordAnswer(call: Call, said: string, whole: string, got: AnswerFields | undefined): void {
  if (call.answer === undefined) {
    call.answer = said;
    call.firstAnswer = whole;
    call.answerFields = got;
  } else if (whole === call.firstAnswer) {
    call.equalAnswers += 1;
  } else {
    call.differingAnswers ??= [];
    call.differingAnswers.push(whole === "" ? said : whole);
  }
}
