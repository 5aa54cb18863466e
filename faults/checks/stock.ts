import type { Received } from "../../tools/devstack/stub-systems/received.ts";
import type { StockSums } from "../../tools/devstack/stub-systems/stock.ts";
import type { CheckResult, Finding } from "../findings.ts";
import type { Checker } from "./checker.ts";
import { appliedChanges, type OrderFacts, orderIdOf } from "./facts.ts";

/** What ERP and WMS executed for one order, replayed in order of execution. */
function replay({ received, journal }: OrderFacts) {
  const pieces = journal.order.lines.reduce((sum, { quantity }) => sum + quantity, 0);
  const counts = { allocated: 0, dispatched: 0, released: 0, takenBack: 0 };
  let held = 0;
  let withWms = 0;
  const done = received.filter((entry) => entry.done);
  for (const { path, answer } of done.toSorted((a, b) => timeOf(a) - timeOf(b))) {
    if (path === "erp/allocate") {
      counts.allocated += 1;
      held += pieces;
    } else if (path === "wms/dispatch") {
      counts.dispatched += 1;
      held -= pieces;
      withWms += pieces;
    } else if (path === "wms/cancel" && answer?.includes("agreed") === true) {
      counts.takenBack += 1;
      held += withWms;
      withWms = 0;
    } else if (path === "erp/release") {
      counts.released += 1;
      held = 0;
    }
  }
  return { ...counts, held, pieces };
}

const timeOf = ({ doneTime }: Received) => Date.parse(doneTime ?? "");

/**
 * Whether workload and WMS gave different answers to a cancel: a killed stub system loses its
 * configured behaviour.
 */
function hasConflictingAnswers({ journal }: OrderFacts, takenBack: number): boolean {
  return takenBack > 0 && journal.calls.some(({ rpc }) => rpc === "ReportWmsAnswer");
}

/**
 * Flow steps: stock is allocated once and dispatched once, as recorded in the history, and released
 * when the order is cancelled.
 */
export const stepsOnce: Checker = {
  name: "ERP and WMS steps once, undone on cancel",
  check(facts, find) {
    if (facts.journal.origin === "inserted") {
      return 0;
    }
    const about = (what: string) => `order ${orderIdOf(facts)}: ${what}`;
    const changes = appliedChanges(facts).map(({ toStatus }) => toStatus);
    const { allocated, dispatched, released, takenBack, held, pieces } = replay(facts);
    const cancelled = changes.includes(9001);
    const isDispatched = changes.includes(2020);
    const isAllocated = changes.includes(2010);
    if (allocated > 1) {
      find("duplicated", about(`the ERP allocated its stock ${allocated} times`));
    }
    if (dispatched > 1) {
      find("duplicated", about(`it was dispatched to the WMS ${dispatched} times`));
    }
    if (isAllocated && allocated === 0) {
      find("lost", about("it is ERP_ALLOCATED, but the ERP allocated no stock"));
    }
    if (isDispatched && dispatched === 0) {
      find("lost", about("it is WMS_DISPATCHED, but the WMS did not receive it"));
    }
    if (!isAllocated && allocated > 0 && !cancelled) {
      find("unexpected", about("the ERP allocated its stock, but it never was ERP_ALLOCATED"));
    }
    if (!isDispatched && dispatched > 0 && !cancelled) {
      find("unexpected", about("the WMS received it, but it never was WMS_DISPATCHED"));
    }
    // Dispatched pieces are no longer held by the ERP; others are released when the order is
    // cancelled.
    const due = facts.row?.status === 2010 ? pieces : 0;
    const undone = cancelled || takenBack > 0;
    if (undone && held !== due && !hasConflictingAnswers(facts, takenBack)) {
      const where = facts.row?.status;
      find("lost", about(`it is at ${where}, and the ERP holds ${held} pieces for it, expected ${due}`));
    }
    return allocated + dispatched + released + changes.length;
  },
};

/**
 * Totals of the stub systems: allocated stock was dispatched, released, or is held for known
 * orders.
 */
export function checkStock(totals: StockSums, held: number): CheckResult {
  const { allocated, dispatched, takenBack, released } = totals;
  const text = `${allocated} allocated, ${dispatched} dispatched, ${takenBack} taken back, ${released} released, ${totals.held} held`;
  const findings: Finding[] = [];
  if (allocated !== dispatched - takenBack + released + totals.held) {
    findings.push({ kind: "other", text: `the totals do not add up, in pieces: ${text}` });
  }
  if (totals.held !== held) {
    findings.push({ kind: "other", text: `the orders hold ${held} pieces by their own requests: ${text}` });
  }
  return { name: "stock totals of ERP and WMS", checked: allocated, findings };
}

/** Pieces that the ERP holds for an order, by the requests that it executed. */
export function piecesHeld(facts: OrderFacts): number {
  return replay(facts).held;
}
