import { setTimeout as sleep } from "node:timers/promises";
import type { BackendAddresses, CheckResult, Finding } from "../types.ts";
import type { Journal } from "../workload/journal.ts";
import { equalAnswers, expectedAnswers } from "./answers.ts";
import { createCheckRunner } from "./checker.ts";
import { countRecovered, ledgerDrained } from "./drained.ts";
import { effectOrder } from "./effect-order.ts";
import { effectsOnce } from "./effects.ts";
import { appliedChanges } from "./facts.ts";
import { checkFlows, openFlowReader, type Unfinished, unfinishedFlow } from "./flows.ts";
import { legalHistory } from "./legal-history.ts";
import { requestsOnce } from "./requests.ts";
import { openStateReader, type StateReader } from "./state-reader.ts";
import { checkStock, piecesHeld, stepsOnce } from "./stock.ts";

/** What all checkers say together. */
export interface Checked {
  readonly results: readonly CheckResult[];
  /** Status changes that were committed. */
  readonly events: number;
  /** Effects that needed a second attempt, or the slow road. */
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
] as const;

const LOOK_MS = 250;

/**
 * Beyond this time from its commit to its end an effect has come by the slow road, in milliseconds: the services of the suite run from the
 * ledger what has not been touched for so long.
 */
const SLOW_MS = 2_000;

/** Waits until everything is done, and holds what is found everywhere against what was told. All servers are up, and nobody calls any more. */
export async function checkAll(
  journal: Journal,
  servers: BackendAddresses,
  {
    boundMs,
  }: {
    /** How long everything may take to be done, in milliseconds. */
    readonly boundMs: number;
  },
): Promise<Checked> {
  const evidence = await openStateReader(servers);
  const flowsOf = openFlowReader(journal.services);
  try {
    const drained = await drain(evidence, boundMs);
    await journal.gateway.catchUp();
    const unknown = await evidence.findUnknownOrders(journal);
    const journals = [...journal.orders.values(), ...unknown];
    const tally = createCheckRunner(CHECKERS);
    const unfinished: Unfinished[] = [];
    let [events, recovered, held, flows] = [0, 0, 0, 0];
    for await (const facts of evidence.read(journals, journal)) {
      tally.look(facts);
      events += appliedChanges(facts).length;
      recovered += countRecovered(facts.ledger, SLOW_MS);
      held += piecesHeld(facts);
      flows += facts.journal.origin === "inserted" ? 0 : 1;
      const open = unfinishedFlow(facts);
      if (open !== undefined) {
        unfinished.push(open);
      }
    }
    const results = [
      ...tally.results(),
      drained,
      await checkFlows(flows, unfinished, flowsOf.ask),
      checkStock(await evidence.stock(), held),
      await checkOrders(evidence, journal, journals.length),
    ];
    return { results, events, recovered };
  } finally {
    flowsOf.close();
    await journal.gateway.close();
    await evidence.close();
  }
}

/** Waits until nothing is open in the ledger and the outbox, within the bound. */
async function drain(evidence: StateReader, boundMs: number): Promise<CheckResult> {
  const begin = performance.now();
  const name = `ledger and outbox drained within ${boundMs / 1_000} s`;
  const before = await evidence.countOpen();
  for (let open = before; ; open = await evidence.countOpen()) {
    const checked = before.runs + before.events;
    if (open.runs + open.events === 0) {
      return { name, checked, findings: [] };
    }
    if (performance.now() - begin > boundMs) {
      const text = `${open.runs} runs of Actions are not done, and ${open.events} events are not known to be published`;
      return { name, checked, findings: [{ kind: "other", text }] };
    }
    await sleep(LOOK_MS);
  }
}

/** No order that nobody sent in. */
async function checkOrders(evidence: StateReader, journal: Journal, known: number): Promise<CheckResult> {
  const orders = (await evidence.countOrders()) - journal.ordersBefore;
  const findings: Finding[] =
    orders > known ? [{ kind: "ghost", text: `there are ${orders} new orders, and ${known} are known of` }] : [];
  return { name: "no order that nobody sent in", checked: orders, findings };
}
