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
  /** The same seed makes the same lives; how they fall together in time is the machine's business. */
  readonly seed: number;
  readonly services: readonly ServiceAddress[];
  readonly servers: BackendAddresses;
  /** Calls a second, begun at a steady rate whatever becomes of them. */
  readonly perSecond: number;
  /** Told of each attempt's end. */
  readonly onCall: (end: CompletedCall) => void;
}

/** Everything that callers do to the service, under way. */
export interface Workload {
  /**
   * Begins no new lives, gives those that live a while to end, and waits until every call is answered, a bounded time. All servers must be
   * up.
   */
  stop(): Promise<Journal>;
  /** Status changes so far, as far as callers know: those of the flow are not counted. */
  events(): number;
}

/** Share of the lives that come by SubmitOrder. */
const SUBMITTED = 0.4;

/** Lives at a time at most. */
const MAX_LIVES = 3_000;

/** How long lives have to end once the workload is to stop, and calls to be answered, in milliseconds. */
const LIVES_END_MS = 15_000;
const CALLS_END_MS = 45_000;

/** Begins the workload; the databases must be there, and the orders in them are left alone. */
export async function startWorkload({
  seed,
  services,
  servers,
  perSecond,
  onCall,
}: WorkloadOptions): Promise<Workload> {
  const { firstId, ordersBefore } = await lookAtDatabase(servers);
  const gateway = await openGateway(servers.natsUrl);
  const rows = openRows(servers);
  const orders = new Map<string, OrderJournal>();
  const unknownSubmissions: Call[] = [];
  const living = new Set<Promise<void>>();
  const failures: unknown[] = [];
  let begun = 0;
  let stopping = false;

  const keep = (journal: OrderJournal) => void orders.set(String(journal.order.id), journal);
  const stock = createOrderPool(rows, firstId, keep);
  await Promise.all([stock.fill(), sleep(ID_RANGE_MS)]);
  const calls = createCalls({ services, perSecond, onSpare: beginLife, onCall });
  const batches = createBatches(calls, createRandom(seed, -1));

  function beginLife(): void {
    if (stopping || living.size >= MAX_LIVES) {
      return;
    }
    const random = createRandom(seed, begun);
    if (random.chance(SUBMITTED)) {
      begin(submitted(random));
      return;
    }
    const journal = stock.nextInserted();
    if (journal !== undefined) {
      begin(
        runInsertedOrder(createOrderDriver({ calls, batches, random }, journal, modelAt(journal.order, [], 0)), random),
      );
    }
  }

  function begin(life: Promise<void>): void {
    begun += 1;
    const lived = life
      .catch((error: unknown) => {
        if (!(error instanceof WorkloadStopped)) {
          failures.push(error);
        }
      })
      .finally(() => living.delete(lived));
    living.add(lived);
  }

  async function submitted(random: Random): Promise<void> {
    const deps = { calls, batches, random };
    const onUnknown = (call: Call) => void unknownSubmissions.push(call);
    const journal = await submitOrder(deps, stock.nextToSubmit(), { onUnknown, keep });
    if (journal.calls.every(({ answer }) => answer !== "OK")) {
      return;
    }
    await rows.addWmsRows(journal.order.id);
    const driver = createOrderDriver(deps, journal, modelAt(journal.order, [1000], 1));
    await runSubmittedOrder(driver, random, {
      async follow(parent, childIds) {
        const children = childrenOf(parent, childIds).map((child) => createOrderJournal(child, "split"));
        await Promise.all(children.map(({ order }) => rows.addWmsRows(order.id)));
        children.forEach(keep);
        return children.map((child) => createOrderDriver(deps, child, modelAt(child.order, [1000, 1010, 1020], 1)));
      },
      configureWms: (orderId, mode) => configureWms(servers.stubSystemsUrl, orderId, mode),
    });
  }

  return {
    async stop() {
      stopping = true;
      await Promise.race([allEnded(), sleep(LIVES_END_MS)]);
      calls.stop();
      await Promise.race([allEnded(), sleep(CALLS_END_MS)]);
      calls.abort();
      await allEnded();
      await stock.idle();
      calls.close();
      rows.close();
      if (failures.length > 0) {
        throw new AggregateError(failures, `${failures.length} lives of the workload ended with a bug of its own`);
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
    events: () => changes(orders),
  };

  async function allEnded(): Promise<void> {
    while (living.size > 0) {
      await Promise.all(living);
    }
  }
}

/** An order is split by its warehouses; the children's ids grow with these. */
function childrenOf(parent: Order, ids: readonly bigint[]): Order[] {
  const byWarehouse = [...Map.groupBy(parent.lines, ({ warehouseId = 0n }) => warehouseId)].toSorted(([a], [b]) =>
    Number(a - b),
  );
  return ids.map((id, index) => ({ ...parent, id, isParent: false, lines: byWarehouse[index]?.[1] ?? [] }));
}

function changes(orders: ReadonlyMap<string, OrderJournal>): number {
  let sum = 0;
  for (const { calls } of orders.values()) {
    for (const { answer } of calls) {
      sum += answer?.startsWith("APPLIED") === true ? 1 : 0;
    }
  }
  return sum;
}

async function lookAtDatabase({
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

/** The neighbours may be down just now: then the WMS answers as it likes. */
async function configureWms(url: string, orderId: bigint, mode: "ok" | "refuse" | "later"): Promise<void> {
  const rule = { system: "wms/cancel", mode, reason: "already packed", orderIds: [String(orderId)] };
  await fetch(`${url}/control`, {
    method: "POST",
    body: JSON.stringify(rule),
    signal: AbortSignal.timeout(2_000),
  }).catch(() => {});
}
