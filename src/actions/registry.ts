import { ASK_WMS, PAYMENT_TIMEOUT, RELEASE_STOCK, WMS_ANSWER_CONFLICT, WMS_TIME_LIMIT } from "../domain/flow.ts";
import { expires, isForFinance, isMarketplace, type OrderKinds } from "../domain/order-kinds.ts";
import { Status } from "../domain/state-machine.ts";
import type { Action, ActionHandler } from "../messaging/runner/action.ts";
import { customerMessage } from "./effects/customer-message.ts";
import type { EffectDeps } from "./effects/deps.ts";
import { eInvoice } from "./effects/e-invoice.ts";
import { financePush } from "./effects/finance-push.ts";
import { giftRecord } from "./effects/gift-record.ts";
import { notificationOf } from "./effects/marketplace-topics.ts";
import { settlementPush } from "./effects/settlement-push.ts";
import { thirdPartyNotify } from "./effects/third-party-notify.ts";
import { allocate } from "./steps/allocate.ts";
import { approve } from "./steps/approve.ts";
import { cancelAskWms } from "./steps/cancel-ask-wms.ts";
import { dispatch } from "./steps/dispatch.ts";
import { releaseStock } from "./steps/release-stock.ts";
import { split } from "./steps/split.ts";
import type { FlowDeps } from "./steps/step.ts";
import { wmsAnswerConflict } from "./steps/wms-answer-conflict.ts";
import { cancelTimeLimit } from "./timers/cancel-time-limit.ts";
import { paymentTimeout } from "./timers/payment-timeout.ts";
import { ANY_STATUS, isWmsCancelRequest, reaches, startsStep, statusSubject } from "./triggers.ts";

/**
 * An Action before its handler exists: pure data and pure functions, known before anything is
 * opened.
 */
export interface ActionDefinition<Deps> extends Omit<Action, "run"> {
  /**
   * An effect in another system; a step of a flow, which moves the order; or a timer, which runs at
   * a time.
   */
  readonly kind: "effect" | "step" | "timer";
  /** Called once, at startup. */
  readonly createHandler: (deps: Deps) => ActionHandler;
}

/** What the conditions and times of the registry depend on. */
export interface ActionSettings {
  readonly kinds: OrderKinds;
  /** Time from an order's creation to its cancellation if unpaid, in milliseconds. */
  readonly paymentTimeoutMs: number;
}

/**
 * All Actions: one row each. To add one, write its handler in a file of its own and add its row
 * here.
 */
export function createRegistry(settings: ActionSettings): readonly ActionDefinition<EffectDeps & FlowDeps>[] {
  return [...effects(settings), ...steps(), ...timers(settings)];
}

/** Gives each definition its handler. */
export function bindHandlers<Deps>(
  definitions: readonly ActionDefinition<Deps>[],
  deps: Deps,
): readonly (Action & Pick<ActionDefinition<Deps>, "kind">)[] {
  return definitions.map(({ createHandler, ...definition }) => ({ ...definition, run: createHandler(deps) }));
}

/** Effects: what other systems have to learn of an event. */
export function effects({ kinds }: Pick<ActionSettings, "kinds">): readonly ActionDefinition<EffectDeps>[] {
  const delivered = reaches(Status.DELIVERED);
  return [
    {
      name: "third-party-notify",
      kind: "effect",
      // One consumer for all statuses, not one for each.
      subjects: [ANY_STATUS, "oms.v1.order.delivery.changed"],
      matches: (event) => isMarketplace(kinds, event) && notificationOf(event) !== undefined,
      createHandler: thirdPartyNotify,
    },
    {
      name: "settlement-push",
      kind: "effect",
      // The ends of a delivery that are settled: 妥投, 拒收, 配送失败, 丢包.
      ...reaches(Status.DELIVERED, Status.REJECTED, Status.DELIVERY_FAILED, Status.LOST),
      createHandler: settlementPush,
    },
    {
      name: "gift-record",
      kind: "effect",
      ...delivered,
      createHandler: giftRecord,
    },
    {
      name: "e-invoice",
      kind: "effect",
      // A recharge-card order is delivered, or an invoice is printed to be mailed (legacy operation
      // 13).
      subjects: [...delivered.subjects, "oms.v1.order.invoice.printed"],
      matches: (event) =>
        event.type === "invoice-printed"
          ? event.sendEmail
          : delivered.matches(event) && kinds.rechargeCardTypes.includes(event.orderType),
      createHandler: eInvoice,
    },
    {
      name: "finance-push",
      kind: "effect",
      ...delivered,
      // Enterprise, marketplace and iQIYI recharge orders.
      matches: (event) => delivered.matches(event) && isForFinance(kinds, event),
      createHandler: financePush,
    },
    {
      name: "customer-message",
      kind: "effect",
      ...reaches(Status.HANDED_OVER, Status.DELIVERED),
      createHandler: customerMessage,
    },
  ];
}

/** Steps of the forward and the reversal flow. */
function steps(): readonly ActionDefinition<FlowDeps>[] {
  return [
    { name: "approve", kind: "step", ...startsStep("approve"), createHandler: approve },
    { name: "split", kind: "step", ...startsStep("split"), createHandler: split },
    { name: "allocate", kind: "step", ...startsStep("allocate"), retryForever: true, createHandler: allocate },
    { name: "dispatch", kind: "step", ...startsStep("dispatch"), retryForever: true, createHandler: dispatch },
    {
      name: ASK_WMS,
      kind: "step",
      subjects: ["oms.v1.cancel.requested"],
      matches: isWmsCancelRequest,
      retryForever: true,
      createHandler: cancelAskWms,
    },
    {
      name: WMS_ANSWER_CONFLICT,
      kind: "step",
      subjects: ["oms.v1.cancel.conflict"],
      matches: (event) => event.type === "cancel-progressed" && event.step === "conflict",
      createHandler: wmsAnswerConflict,
    },
    {
      name: RELEASE_STOCK,
      kind: "step",
      subjects: [statusSubject(Status.CANCELLED), "oms.v1.cancel.agreed"],
      // An order that the flow had allocated is cancelled, or its goods return after that.
      matches: (event) =>
        event.type === "status-changed"
          ? event.toStatus === Status.CANCELLED && event.fromStatus >= Status.ERP_ALLOCATED && event.warehouseCount > 0
          : event.type === "cancel-progressed" && event.step === "agreed" && event.takeBack,
      createHandler: releaseStock,
    },
  ];
}

/** Timers: they have no subjects, and survive restarts in the ledger. */
function timers({ kinds, paymentTimeoutMs }: ActionSettings): readonly ActionDefinition<FlowDeps>[] {
  return [
    {
      name: PAYMENT_TIMEOUT,
      kind: "timer",
      subjects: [],
      matches: (event) => event.type === "status-changed" && event.toStatus === Status.CREATED && expires(kinds, event),
      due: ({ recordTime }) => new Date(recordTime.getTime() + paymentTimeoutMs),
      createHandler: paymentTimeout,
    },
    {
      name: WMS_TIME_LIMIT,
      kind: "timer",
      subjects: [],
      matches: isWmsCancelRequest,
      due: (event) => (isWmsCancelRequest(event) ? event.answerUntil : event.recordTime),
      createHandler: cancelTimeLimit,
    },
  ];
}
