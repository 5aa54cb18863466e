import type { SystemPath } from "../../src/integrations/systems.ts";
import { ACTIONS, type Action, dueAfterCarrierChange, dueAfterStatus } from "../../tools/demo/effects.ts";
import type { Checker } from "./checker.ts";
import { appliedChanges, type OrderFacts, orderIdOf } from "./facts.ts";

/** The neighbours that an Action's effect is with. */
const PATH_OF: Partial<Record<Action, SystemPath>> = {
  "e-invoice": "einvoice",
  "finance-push": "finance",
  "customer-message": "message",
};

/** The keys of an Action's effects at its receiver, each as often as it took effect there. */
export function effectsOf(action: Action, { settlements, received, notifications }: OrderFacts): readonly string[] {
  const path = PATH_OF[action];
  if (path !== undefined) {
    return received.filter((entry) => entry.path === path && entry.done).map(({ key }) => key);
  }
  return (action === "settlement-push" ? settlements : notifications).map(({ messageId }) => messageId);
}

/** How many effects are due by events whose ids only the service knows: at least so many, and at most. */
interface Range {
  readonly stem: string;
  readonly least: number;
  readonly most: number;
}

/**
 * What a new carrier and a printed invoice must lead to. Each call of the workload says something that no other says, so each that was
 * answered is one event at least; a carrier that was told again by a frozen service may be one more each time, an invoice is the same again.
 */
function dueByContent(action: Action, { journal }: OrderFacts): Range | undefined {
  const { order, calls } = journal;
  const sum = (of: typeof calls, count: (call: (typeof calls)[number]) => number) =>
    of.reduce((total, call) => total + count(call), 0);
  const answered = (call: (typeof calls)[number]) => Number(call.answer === "OK");
  if (action === "third-party-notify" && dueAfterCarrierChange(order).length > 0) {
    const told = calls.filter(({ rpc }) => rpc === "UpdateDeliveryInfo");
    const most = sum(told, (call) => (call.indeterminate === 0 ? answered(call) : call.sent));
    return { stem: `${order.id}-delivery-`, least: sum(told, answered), most };
  }
  if (action === "e-invoice") {
    const told = calls.filter(
      ({ rpc, requested, answer }) => rpc === "MarkInvoicesPrinted" && requested.mailed && answer !== "MISSING",
    );
    return { stem: `${order.id}-invoice-`, least: sum(told, answered), most: told.length };
  }
  return undefined;
}

/**
 * For each event and each Action that it concerns one effect, at the place where others see it; and no effect of what was never committed.
 * What is due follows from the history and from what was told, by a table of its own; the ledger is not asked.
 */
export const effectsOnce: Checker = {
  name: "one effect for each event and Action, none without a commit",
  check(facts, find) {
    const { order } = facts.journal;
    let checked = 0;
    const statusEffects = appliedChanges(facts).flatMap(({ toStatus, version }) =>
      dueAfterStatus(order, toStatus, version),
    );
    for (const action of ACTIONS) {
      const due = new Set(statusEffects.filter((effect) => effect.action === action).map(({ messageId }) => messageId));
      if (action === "gift-record") {
        checked += checkGift(facts, due.size > 0, find);
        continue;
      }
      const found = effectsOf(action, facts);
      const different = new Set(found);
      const range = dueByContent(action, facts);
      const about = (messageId: string) => `${action} for ${messageId}`;
      for (const messageId of due) {
        if (!different.has(messageId)) {
          find(
            "lost",
            `${about(messageId)}: it never happened (the ledger says ${ledgerOf(facts, action, messageId)})`,
          );
        }
      }
      const byContent = [...different].filter((messageId) => range !== undefined && messageId.startsWith(range.stem));
      for (const messageId of different) {
        if (!due.has(messageId) && !byContent.includes(messageId)) {
          find("ghost", `${about(messageId)}: it happened, and no committed event asks for it`);
        }
      }
      if (range !== undefined && byContent.length < range.least) {
        find("lost", `${about(`${range.stem}…`)}: ${byContent.length} happened, ${range.least} are due`);
      } else if (range !== undefined && byContent.length > range.most) {
        find("ghost", `${about(`${range.stem}…`)}: ${byContent.length} happened, at most ${range.most} can be due`);
      }
      for (let more = found.length - different.size; more > 0; more -= 1) {
        find("duplicated", `${about(String(order.id))}: one of ${found.length} happened again`);
      }
      checked += due.size + (range?.least ?? 0) + found.length;
    }
    return checked;
  },
};

/** An order has a gift record where another system wrote one. */
function checkGift(facts: OrderFacts, due: boolean, find: (kind: "lost" | "ghost", text: string) => void): number {
  for (const status of facts.gifts) {
    if (due && status !== 1) {
      find("lost", `gift-record for order ${orderIdOf(facts)}: it is delivered, and its gift is not marked as given`);
    } else if (!due && status === 1) {
      find("ghost", `gift-record for order ${orderIdOf(facts)}: its gift is marked as given, and it was not delivered`);
    }
  }
  return facts.gifts.length;
}

function ledgerOf({ ledger }: OrderFacts, action: string, messageId: string): string {
  const row = ledger.find((one) => one.action === action && one.messageId === messageId);
  return row === undefined ? "nothing" : `${row.state}${row.lastError === "" ? "" : `, ${row.lastError}`}`;
}
