import type { SystemPath } from "../../src/integrations/systems.ts";
import { ACTIONS, type Action, dueAfterCarrierChange, dueAfterStatus } from "../../tools/demo/effects.ts";
import type { Checker, ReportFinding } from "./checker.ts";
import { appliedChanges, type OrderFacts, orderIdOf } from "./facts.ts";

/** The stub system that an Action calls. */
const PATH_OF: Partial<Record<Action, SystemPath>> = {
  "e-invoice": "einvoice",
  "finance-push": "finance",
  "customer-message": "message",
};

/** The keys of an Action's effects at the receiver; a repeated effect is contained twice. */
function effectsOf(action: Action, { settlements, received, notifications }: OrderFacts): readonly string[] {
  const path = PATH_OF[action];
  if (path !== undefined) {
    return received.filter((entry) => entry.path === path && entry.done).map(({ key }) => key);
  }
  return (action === "settlement-push" ? settlements : notifications).map(({ messageId }) => messageId);
}

/** Permitted number of effects of events whose ids only the service knows. */
interface Range {
  /** Prefix of the message ids. */
  readonly prefix: string;
  readonly least: number;
  readonly most: number;
}

/**
 * Effects due after carrier changes and printed invoices. Every call of the workload has distinct
 * content, so each answered call is at least one event. A carrier change that a frozen service
 * executed again is one more event each time; an invoice is not.
 */
function dueByContent(action: Action, { journal }: OrderFacts): Range | undefined {
  const { order, calls } = journal;
  const sum = (of: typeof calls, count: (call: (typeof calls)[number]) => number) =>
    of.reduce((total, call) => total + count(call), 0);
  const answered = (call: (typeof calls)[number]) => Number(call.answer === "OK");
  if (action === "third-party-notify" && dueAfterCarrierChange(order).length > 0) {
    const changes = calls.filter(({ rpc }) => rpc === "UpdateDeliveryInfo");
    const most = sum(changes, (call) => (call.indeterminate === 0 ? answered(call) : call.sent));
    return { prefix: `${order.id}-delivery-`, least: sum(changes, answered), most };
  }
  if (action === "e-invoice") {
    const invoices = calls.filter(
      ({ rpc, requested, answer }) => rpc === "MarkInvoicesPrinted" && requested.mailed && answer !== "MISSING",
    );
    return { prefix: `${order.id}-invoice-`, least: sum(invoices, answered), most: invoices.length };
  }
  return undefined;
}

/**
 * Each committed event has one effect per matching Action at the receiver, and there is no effect
 * without a committed event. Due effects follow from the history and the journal, by a table
 * written independently of the service; the ledger is not used.
 */
export const effectsOnce: Checker = {
  name: "one effect per event and Action, none without a commit",
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
      const distinct = new Set(found);
      const range = dueByContent(action, facts);
      const about = (messageId: string) => `${action} for ${messageId}`;
      for (const messageId of due) {
        if (!distinct.has(messageId)) {
          find("lost", `${about(messageId)}: no effect (ledger: ${ledgerState(facts, action, messageId)})`);
        }
      }
      const byContent = [...distinct].filter((messageId) => range !== undefined && messageId.startsWith(range.prefix));
      for (const messageId of distinct) {
        if (!due.has(messageId) && !byContent.includes(messageId)) {
          find("unexpected", `${about(messageId)}: an effect without a committed event`);
        }
      }
      if (range !== undefined && byContent.length < range.least) {
        find("lost", `${about(`${range.prefix}…`)}: ${byContent.length} effects, expected at least ${range.least}`);
      } else if (range !== undefined && byContent.length > range.most) {
        find("unexpected", `${about(`${range.prefix}…`)}: ${byContent.length} effects, expected at most ${range.most}`);
      }
      for (let more = found.length - distinct.size; more > 0; more -= 1) {
        find("duplicated", `${about(String(order.id))}: one of ${found.length} effects is a repetition`);
      }
      checked += due.size + (range?.least ?? 0) + found.length;
    }
    return checked;
  },
};

/** Only orders for which another system wrote a gift record have one. */
function checkGift(facts: OrderFacts, due: boolean, find: ReportFinding): number {
  for (const status of facts.gifts) {
    if (due && status !== 1) {
      find(
        "lost",
        `gift-record for order ${orderIdOf(facts)}: the order is delivered, the gift is not marked as given`,
      );
    } else if (!due && status === 1) {
      find(
        "unexpected",
        `gift-record for order ${orderIdOf(facts)}: the gift is marked as given, the order was not delivered`,
      );
    }
  }
  return facts.gifts.length;
}

function ledgerState({ ledger }: OrderFacts, action: string, messageId: string): string {
  const row = ledger.find((one) => one.action === action && one.messageId === messageId);
  return row === undefined ? "no entry" : `${row.state}${row.lastError === "" ? "" : `, ${row.lastError}`}`;
}
