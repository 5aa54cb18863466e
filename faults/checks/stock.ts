import type { StockSums } from "../../src/stack/neighbours/stock.ts";
import type { CheckResult, Finding } from "../types.ts";
import type { Checker } from "./checker.ts";
import { applied, idOf, type OrderFacts } from "./facts.ts";

/** What the ERP and the WMS did for one order, by the keys that they carried out. */
function bookOf({ received, journal }: OrderFacts) {
  const done = received.filter((entry) => entry.done);
  const count = (path: string) => done.filter((entry) => entry.path === path).length;
  const takenBack = done.some(({ path, answer }) => path === "wms/cancel" && answer?.includes("agreed") === true);
  return {
    pieces: journal.order.lines.reduce((sum, { quantity }) => sum + quantity, 0),
    allocated: count("erp/allocate"),
    dispatched: count("wms/dispatch"),
    released: count("erp/release"),
    takenBack,
  };
}

/** The steps' effects: stock is set aside once and handed over once where the history says so, and is held for nobody who has no use for it. */
export const stepsOnce: Checker = {
  name: "steps at ERP and WMS once, and undone when cancelled",
  check(facts, find) {
    if (facts.journal.origin === "inserted") {
      return 0;
    }
    const about = (what: string) => `order ${idOf(facts)}: ${what}`;
    const changes = applied(facts).map(({ toStatus }) => toStatus);
    const { allocated, dispatched, released, takenBack } = bookOf(facts);
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
    const toRelease = allocated > 0 && (dispatched === 0 || takenBack);
    if (cancelled && toRelease && released === 0) {
      find("lost", about("it is cancelled, and its stock was not given back"));
    }
    return allocated + dispatched + released + changes.length;
  },
};

/** The neighbours' own sums: what was set aside is with the WMS, given back, or held for orders that wait before their dispatch. */
export function checkStock(books: StockSums, held: number): CheckResult {
  const { allocated, dispatched, takenBack, released } = books;
  const text = `${allocated} allocated, ${dispatched} dispatched, ${takenBack} taken back, ${released} released, ${books.held} held`;
  const findings: Finding[] = [];
  if (allocated !== dispatched - takenBack + released + books.held) {
    findings.push({ kind: "other", text: `the books do not add up, in pieces: ${text}` });
  }
  if (books.held !== held) {
    findings.push({ kind: "other", text: `${held} pieces are to be held for orders that wait: ${text}` });
  }
  return { name: "stock in the books of ERP and WMS", looked: allocated, findings };
}

/** The pieces that the ERP holds for an order that has its stock and was not dispatched yet. */
export function piecesHeld(facts: OrderFacts): number {
  return facts.journal.origin !== "inserted" && facts.row?.status === 2010 ? bookOf(facts).pieces : 0;
}
