import type { Received } from "../../tools/devstack/stub-systems/received.ts";
import type { StockSums } from "../../tools/devstack/stub-systems/stock.ts";
import type { CheckResult, Finding } from "../types.ts";
import type { Checker } from "./checker.ts";
import { appliedChanges, type OrderFacts, orderIdOf } from "./facts.ts";

/** What the ERP and the WMS did for one order, by the keys that they carried out, in the order in which they did. */
function bookOf({ received, journal }: OrderFacts) {
  const pieces = journal.order.lines.reduce((sum, { quantity }) => sum + quantity, 0);
  const book = { allocated: 0, dispatched: 0, released: 0, takenBack: 0 };
  let held = 0;
  let withWms = 0;
  const done = received.filter((entry) => entry.done);
  for (const { path, answer } of done.toSorted((a, b) => timeOf(a) - timeOf(b))) {
    if (path === "erp/allocate") {
      book.allocated += 1;
      held += pieces;
    } else if (path === "wms/dispatch") {
      book.dispatched += 1;
      held -= pieces;
      withWms += pieces;
    } else if (path === "wms/cancel" && answer?.includes("agreed") === true) {
      book.takenBack += 1;
      held += withWms;
      withWms = 0;
    } else if (path === "erp/release") {
      book.released += 1;
      held = 0;
    }
  }
  return { ...book, held, pieces };
}

const timeOf = ({ doneTime }: Received) => Date.parse(doneTime ?? "");

/** Whether the workload has answered in the WMS's name, and the WMS then said otherwise: a killed neighbour forgets what it was told to say. */
function isContradicted({ journal }: OrderFacts, takenBack: number): boolean {
  return takenBack > 0 && journal.calls.some(({ rpc }) => rpc === "ReportWmsAnswer");
}

/** The steps' effects: stock is set aside once and handed over once where the history says so, and is held for nobody who has no use for it. */
export const stepsOnce: Checker = {
  name: "steps at ERP and WMS once, and undone when cancelled",
  check(facts, find) {
    if (facts.journal.origin === "inserted") {
      return 0;
    }
    const about = (what: string) => `order ${orderIdOf(facts)}: ${what}`;
    const changes = appliedChanges(facts).map(({ toStatus }) => toStatus);
    const { allocated, dispatched, released, takenBack, held, pieces } = bookOf(facts);
    const cancelled = changes.includes(9001);
    const isDispatched = changes.includes(2020);
    const isAllocated = changes.includes(2010);
    if (allocated > 1) {
      find("duplicated", about(`the ERP set its stock aside ${allocated} times`));
    }
    if (dispatched > 1) {
      find("duplicated", about(`the WMS got it ${dispatched} times`));
    }
    if (isAllocated && allocated === 0) {
      find("lost", about("it is ERP_ALLOCATED, and the ERP set no stock aside"));
    }
    if (isDispatched && dispatched === 0) {
      find("lost", about("it is WMS_DISPATCHED, and the WMS does not have it"));
    }
    if (!isAllocated && allocated > 0 && !cancelled) {
      find("ghost", about("the ERP set its stock aside, and it never came to ERP_ALLOCATED"));
    }
    if (!isDispatched && dispatched > 0 && !cancelled) {
      find("ghost", about("the WMS has it, and it never came to WMS_DISPATCHED"));
    }
    // What is with the WMS is not the ERP's any more; what came back, or never went there, is given back once the order is cancelled.
    const due = facts.row?.status === 2010 ? pieces : 0;
    const undone = cancelled || takenBack > 0;
    if (undone && held !== due && !isContradicted(facts, takenBack)) {
      const where = facts.row?.status;
      find("lost", about(`it stands at ${where}, and the ERP holds ${held} pieces for it, not ${due}`));
    }
    return allocated + dispatched + released + changes.length;
  },
};

/** The neighbours' own sums: what was set aside is with the WMS, given back, or held for the orders that are known. */
export function checkStock(books: StockSums, held: number): CheckResult {
  const { allocated, dispatched, takenBack, released } = books;
  const text = `${allocated} allocated, ${dispatched} dispatched, ${takenBack} taken back, ${released} released, ${books.held} held`;
  const findings: Finding[] = [];
  if (allocated !== dispatched - takenBack + released + books.held) {
    findings.push({ kind: "other", text: `the books do not add up, in pieces: ${text}` });
  }
  if (books.held !== held) {
    findings.push({ kind: "other", text: `by what was done for each order ${held} pieces are held: ${text}` });
  }
  return { name: "stock in the books of ERP and WMS", checked: allocated, findings };
}

/** The pieces that the ERP holds for an order, as follows from what it was asked; whether it should is checked at order by order. */
export function piecesHeld(facts: OrderFacts): number {
  return bookOf(facts).held;
}
