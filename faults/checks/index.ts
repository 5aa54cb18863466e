import { setTimeout as sleep } from "node:timers/promises";
import type { CheckResult, Finding } from "../findings.ts";
import type { BackendAddresses } from "../types.ts";
import type { Journal } from "../workload/journal.ts";
import { equalAnswers, expectedAnswers } from "./answers.ts";
import { createCheckRunner } from "./checker.ts";
import { countRecovered, ledgerDrained } from "./drained.ts";
import { effectOrder } from "./effect-order.ts";
import { effectsOnce } from "./effects.ts";
import { appliedChanges } from "./facts.ts";
import { checkFlows, openFlowReader, type UnfinishedFlow, unfinishedFlow } from "./flows.ts";
import { legalHistory } from "./legal-history.ts";
import { requestsOnce } from "./requests.ts";
import { openStateReader, type StateReader } from "./state-reader.ts";
import { checkStock, piecesHeld, stepsOnce } from "./stock.ts";
import { noCircularWait } from "./waits.ts";

/** Results of all checks. */
export interface Checked {
  readonly results: readonly CheckResult[];
  /** Committed status changes. */
  readonly events: number;
  /** Effects that were retried or run from the ledger. */
  readonly recovered: number;
}

const CHECKERS = [
  requestsOnce,
  legalHistory,
  effectsOnce,
  effectOrder,
  stepsOnce,
  equalAnswers,
  expectedAnswers,
  ledgerDrained,
  noCircularWait,
] as const;

const POLL_MS = 250;

/**
 * Delay after which the services under test run entries from the ledger, in milliseconds; an effect
 * that takes longer was recovered.
 */
const RECOVERED_MS = 2_000;

/**
 * Waits for outbox and ledger to drain, then compares the state of all systems with the journal.
 * Requires that no calls are running.
 */
export async function checkAll(
  journal: Journal,
  backends: BackendAddresses,
  {
    timeoutMs,
  }: {
    /** Time limit of the drain, in milliseconds. */
    readonly timeoutMs: number;
  },
): Promise<Checked> {
  const state = await openStateReader(backends);
  const flowReader = openFlowReader(journal.services);
  try {
    const drained = await waitForDrain(state, timeoutMs);
    await journal.gateway.catchUp();
    const unknown = await state.findUnknownOrders(journal);
    const journals = [...journal.orders.values(), ...unknown];
    const runner = createCheckRunner(CHECKERS);
    const unfinished: UnfinishedFlow[] = [];
    let [events, recovered, held, flows] = [0, 0, 0, 0];
    for await (const facts of state.read(journals, journal)) {
      runner.check(facts);
      events += appliedChanges(facts).length;
      recovered += countRecovered(facts.ledger, RECOVERED_MS);
      held += piecesHeld(facts);
      flows += facts.journal.origin === "inserted" ? 0 : 1;
      const open = unfinishedFlow(facts);
      if (open !== undefined) {
        unfinished.push(open);
      }
    }
    const results = [
      ...runner.results(),
      drained,
      await checkFlows(flows, unfinished, flowReader.getFlow),
      checkStock(await state.stock(), held),
      await checkOrderCount(state, journal, journals.length),
    ];
    return { results, events, recovered };
  } finally {
    flowReader.close();
    await journal.gateway.close();
    await state.close();
  }
}

async function waitForDrain(state: StateReader, timeoutMs: number): Promise<CheckResult> {
  const begin = performance.now();
  const name = `ledger and outbox drained within ${timeoutMs / 1_000} s`;
  const before = await state.countOpen();
  const checked = before.runs + before.events;
  for (let open = before; ; open = await state.countOpen()) {
    if (open.runs + open.events === 0) {
      return { name, checked, findings: [] };
    }
    if (performance.now() - begin > timeoutMs) {
      const text = `${open.runs} ledger entries and ${open.events} unpublished events are left`;
      return { name, checked, findings: [{ kind: "other", text }] };
    }
    await sleep(POLL_MS);
  }
}

async function checkOrderCount(state: StateReader, journal: Journal, known: number): Promise<CheckResult> {
  const orders = (await state.countOrders()) - journal.ordersBefore;
  const findings: Finding[] =
    orders > known
      ? [{ kind: "unexpected", text: `the database has ${orders} new orders, the journal has ${known}` }]
      : [];
  return { name: "no order without a submission", checked: orders, findings };
}
