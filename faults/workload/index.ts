import { setTimeout as sleep } from "node:timers/promises";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { freshIds, type Order } from "../../tools/demo/orders.ts";
import { createRandom, type Random } from "../../tools/testkit/random.ts";
import type { BackendAddresses, CompletedCall, ServiceAddress } from "../types.ts";
import { createBatches } from "./batches.ts";
import { createCalls, WorkloadStopped } from "./calls.ts";
import { createOrderDriver, modelAt } from "./driver.ts";
import { openGateway } from "./gateway.ts";
import { type Call, createOrderJournal, type Journal, type OrderJournal } from "./journal.ts";
import { createOrderPool, ID_RANGE_MS } from "./order-pool.ts";
import { openRows } from "./rows.ts";
import { runInsertedOrder, runSubmittedOrder } from "./scenarios.ts";
import { submitOrder } from "./submit.ts";

export type { Journal } from "./journal.ts";

export interface WorkloadOptions {
  /** Determines the scenarios; their interleaving depends on the machine. */
  readonly seed: number;
  readonly services: readonly ServiceAddress[];
  readonly backends: BackendAddresses;
  /** Rate of an open loop, in calls per second. */
  readonly perSecond: number;
  /** Called after each attempt. */
  readonly onCall: (call: CompletedCall) => void;
}

/** A running workload. */
export interface Workload {
  /**
   * Starts no new scenarios, lets running ones end for a while, and waits until every call is
   * answered, for a limited time. All processes must be up.
   */
  stop(): Promise<Journal>;
  /** Status changes so far, as far as callers know; those of the flow are not counted. */
  events(): number;
}

/** Share of the orders that are submitted by SubmitOrder. */
const SUBMITTED = 0.4;

/** Maximum number of concurrent scenarios. */
const MAX_SCENARIOS = 3_000;

/** Time for scenarios to end after `stop`, and then for calls to be answered, in milliseconds. */
const SCENARIOS_END_MS = 15_000;
const CALLS_END_MS = 45_000;

/** Starts the workload. Existing orders are not touched. */
export async function startWorkload({
  seed,
  services,
  backends,
  perSecond,
  onCall,
}: WorkloadOptions): Promise<Workload> {
  const { firstId, ordersBefore } = await inspectDatabase(backends);
  const gateway = await openGateway(backends.natsUrl);
  const rows = openRows(backends);
  const orders = new Map<string, OrderJournal>();
  const unknownSubmissions: Call[] = [];
  const running = new Set<Promise<void>>();
  const failures: unknown[] = [];
  let started = 0;
  let stopping = false;

  const onJournal = (journal: OrderJournal) => void orders.set(String(journal.order.id), journal);
  const pool = createOrderPool(rows, firstId, onJournal);
  await Promise.all([pool.fill(), sleep(ID_RANGE_MS)]);
  const calls = createCalls({ services, perSecond, onUnclaimed: startScenario, onCall });
  const batches = createBatches(calls, createRandom(seed, -1));

  function startScenario(): void {
    if (stopping || running.size >= MAX_SCENARIOS) {
      return;
    }
    const random = createRandom(seed, started);
    if (random.chance(SUBMITTED)) {
      run(submitAndDrive(random));
      return;
    }
    const journal = pool.nextInserted();
    if (journal !== undefined) {
      const driver = createOrderDriver({ calls, batches, random }, journal, modelAt(journal.order, [], 0));
      run(runInsertedOrder(driver, random));
    }
  }

  function run(scenario: Promise<void>): void {
    started += 1;
    const ended = scenario
      .catch((error: unknown) => {
        if (!(error instanceof WorkloadStopped)) {
          failures.push(error);
        }
      })
      .finally(() => running.delete(ended));
    running.add(ended);
  }

  async function submitAndDrive(random: Random): Promise<void> {
    const deps = { calls, batches, random };
    const onUnknown = (call: Call) => void unknownSubmissions.push(call);
    const journal = await submitOrder(deps, pool.nextToSubmit(), { onUnknown, onJournal });
    if (journal.calls.every(({ answer }) => answer !== "OK")) {
      return;
    }
    await rows.addWmsRows(journal.order.id);
    const driver = createOrderDriver(deps, journal, modelAt(journal.order, [1000], 1));
    await runSubmittedOrder(driver, random, {
      async driveChildren(parent, childIds) {
        const children = childrenOf(parent, childIds).map((child) => createOrderJournal(child, "split"));
        await Promise.all(children.map(({ order }) => rows.addWmsRows(order.id)));
        children.forEach(onJournal);
        return children.map((child) => createOrderDriver(deps, child, modelAt(child.order, [1000, 1010, 1020], 1)));
      },
      configureWms: (orderId, mode) => configureWms(backends.stubSystemsUrl, orderId, mode),
    });
  }

  return {
    async stop() {
      stopping = true;
      await Promise.race([allEnded(), sleep(SCENARIOS_END_MS)]);
      calls.stop();
      await Promise.race([allEnded(), sleep(CALLS_END_MS)]);
      calls.abort();
      await allEnded();
      await pool.idle();
      calls.close();
      rows.close();
      if (failures.length > 0) {
        throw new AggregateError(failures, `${failures.length} scenarios failed with an error of the workload`);
      }
      return {
        seed,
        orders,
        unknownSubmissions,
        ordersBefore,
        gateway,
        services,
        attempts: calls.attempts,
        indeterminate: calls.indeterminate,
        answered: calls.answered,
      };
    },
    events: () => countChanges(orders),
  };

  async function allEnded(): Promise<void> {
    while (running.size > 0) {
      await Promise.all(running);
    }
  }
}

/** An order is split by warehouse; the ids of the children ascend with those of the warehouses. */
function childrenOf(parent: Order, ids: readonly bigint[]): Order[] {
  const byWarehouse = [...Map.groupBy(parent.lines, ({ warehouseId = 0n }) => warehouseId)].toSorted(([a], [b]) =>
    Number(a - b),
  );
  return ids.map((id, index) => ({ ...parent, id, isParent: false, lines: byWarehouse[index]?.[1] ?? [] }));
}

function countChanges(orders: ReadonlyMap<string, OrderJournal>): number {
  let count = 0;
  for (const { calls } of orders.values()) {
    for (const { answer } of calls) {
      count += answer?.startsWith("APPLIED") === true ? 1 : 0;
    }
  }
  return count;
}

async function inspectDatabase({
  mysqlUrl,
  prefix,
}: BackendAddresses): Promise<{ firstId: bigint; ordersBefore: number }> {
  const connection = await createConnection({ uri: mysqlUrl, supportBigNumbers: true, bigNumberStrings: true });
  try {
    const [counted] = await connection.query<RowDataPacket[]>(
      `select count(*) as orders from ${prefix}oms_db.oms_order_main`,
    );
    return { firstId: await freshIds(connection, prefix), ordersBefore: Number(counted[0]?.orders ?? 0) };
  } finally {
    await connection.end();
  }
}

/** Best effort: while the stub systems are down, the WMS keeps its previous behaviour. */
async function configureWms(url: string, orderId: bigint, mode: "ok" | "refuse" | "later"): Promise<void> {
  const rule = { system: "wms/cancel", mode, reason: "already packed", orderIds: [String(orderId)] };
  await fetch(`${url}/control`, {
    method: "POST",
    body: JSON.stringify(rule),
    signal: AbortSignal.timeout(2_000),
  }).catch(() => {});
}
