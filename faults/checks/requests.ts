import type { Call } from "../workload/journal.ts";
import type { Checker, ReportFinding } from "./checker.ts";
import { type HistoryRow, type OrderFacts, orderIdOf } from "./facts.ts";

/** States that flow steps set, without a request id. */
const SET_BY_STEPS: readonly number[] = [1020, 1030, 2010, 2020];

/**
 * Every accepted request is in the history once, as answered; a rejected one is not; every history
 * row has a request.
 */
export const requestsOnce: Checker = {
  name: "every accepted request once in the history",
  check(facts, find) {
    const { journal, history, returns } = facts;
    const rows = Map.groupBy(history, ({ requestId }) => requestId);
    const known = new Set(journal.calls.map(({ requestId }) => requestId));
    for (const call of journal.calls) {
      if (["UpdateOrderStatus", "CancelOrder", "SubmitOrder"].includes(call.rpc)) {
        checkReport(facts, call, rows.get(call.requestId) ?? [], find);
      } else if (call.rpc === "RequestReturn") {
        checkReturn(facts, call, find);
      } else if (call.rpc === "RequestCancel" && call.answer === "CANCELLED") {
        if (!history.some(({ toStatus, outcome }) => toStatus === 9001 && outcome === "APPLIED")) {
          find("lost", `order ${orderIdOf(facts)}: a cancel was answered CANCELLED, but the history has no 9001`);
        }
      }
    }
    for (const row of history) {
      if (!(row.requestId === "" ? isInternal(facts, row) : known.has(row.requestId))) {
        find("unexpected", `${describe(facts, row)}: no request caused it`);
      }
    }
    const answeredReturns = new Set(journal.calls.map(({ answerFields }) => answerFields?.returnId));
    const unanswered = journal.calls.filter(
      ({ rpc, answer }) => rpc === "RequestReturn" && answer === undefined,
    ).length;
    const strange = returns.filter(({ returnId }) => !answeredReturns.has(returnId));
    for (const { returnId } of strange.slice(unanswered)) {
      find("unexpected", `order ${orderIdOf(facts)}: return ${returnId} was not answered to any request`);
    }
    return journal.calls.length + history.length;
  },
};

function checkReport(facts: OrderFacts, call: Call, rows: readonly HistoryRow[], find: ReportFinding): void {
  const about = `order ${orderIdOf(facts)}, request ${call.requestId} of ${call.requested.status}, answered ${call.answer ?? "never"}`;
  const [row] = rows;
  if (rows.length > 1) {
    find("duplicated", `${about}: ${rows.length} times in the history`);
  }
  if (call.answer === undefined) {
    return;
  }
  const outcome = /^(APPLIED|STALE)/.exec(call.answer)?.[0] ?? (call.answer === "OK" ? "APPLIED" : undefined);
  if (outcome === undefined) {
    // DUPLICATE is no change. A rejected request may have been executed by an earlier attempt that
    // was not answered.
    if (row !== undefined && (call.answer.startsWith("DUPLICATE") || call.indeterminate === 0)) {
      find("unexpected", `${about}: it is in the history as version ${row.version}`);
    }
  } else if (row === undefined) {
    find("lost", `${about}: it is not in the history`);
  } else if (
    row.outcome !== outcome ||
    row.toStatus !== call.requested.status ||
    (call.answerFields?.version !== undefined && row.version !== call.answerFields.version)
  ) {
    find("other", `${about}: in the history it is ${row.outcome} ${row.toStatus} at version ${row.version}`);
  }
}

function checkReturn(
  facts: OrderFacts,
  { answer, answerFields, requested, requestId }: Call,
  find: ReportFinding,
): void {
  const about = `order ${orderIdOf(facts)}, return request ${requestId}, answered ${answer ?? "never"}`;
  if (answer !== "MARKED") {
    return;
  }
  const found = facts.returns.filter(({ returnId }) => returnId === answerFields?.returnId);
  if (found.length === 0) {
    find("lost", `${about}: there is no return ${answerFields?.returnId}`);
  } else if (found[0]?.pieces !== requested.pieces) {
    find("other", `${about}: it takes ${found[0]?.pieces} pieces back, not ${requested.pieces}`);
  }
}

/** Whether a change without a request id comes from a flow step or from a requested cancel. */
function isInternal({ journal }: OrderFacts, { toStatus, version }: HistoryRow): boolean {
  if (toStatus === 9001) {
    // A child is cancelled by its parent's request.
    return journal.origin === "split" || journal.calls.some(({ rpc }) => rpc === "RequestCancel");
  }
  return (
    journal.origin !== "inserted" && (SET_BY_STEPS.includes(toStatus) || (journal.origin === "split" && version === 1))
  );
}

function describe(
  facts: OrderFacts,
  { version, fromStatus, toStatus, outcome, caller, requestId }: HistoryRow,
): string {
  return `order ${orderIdOf(facts)}, version ${version} (${fromStatus} to ${toStatus}, ${outcome}, by ${caller}${requestId === "" ? "" : `, request ${requestId}`})`;
}
