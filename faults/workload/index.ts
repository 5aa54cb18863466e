import { setTimeout as sleep } from "node:timers/promises";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { FulfilmentService } from "../../gen/oms/fulfilment/v1/fulfilment_service_pb.ts";
import { freshIds, isVirtual, makeOrder, type Order } from "../../src/demo/orders.ts";
import type { CallEnd, ServerAddresses, ServiceAddress } from "../types.ts";
import { createBatches } from "./batches.ts";
import { Cut, createCalls } from "./calls.ts";
import { openGateway } from "./gateway.ts";
import { type Call, createCall, type Journal, noteAnswer, type OrderJournal } from "./journal.ts";
import { type FlowWorld, liveInFlow, liveInserted } from "./lives.ts";
import { createRandom, type Random } from "./random.ts";
import { openRows } from "./rows.ts";
import { createOrderJournal, createTeller, modelAt, type Teller } from "./teller.ts";

export type { Journal } from "./journal.ts";

export interface WorkloadOptions {
  /** The same seed makes the same lives; how they fall together in time is the machine's business. */
  readonly seed: number;
  readonly services: readonly ServiceAddress[];
  readonly servers: ServerAddresses;
  /** Calls a second, begun at a steady rate whatever becomes of them. */
  readonly perSecond: number;
  /** Told of each attempt's end. */
  readonly onCall: (end: CallEnd) => void;
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

/** Orders inserted at once, and how many wait to be told of at least. */
const INSERTED = 200;
const IN_STOCK = 200;

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
  const stock: Order[] = [];
  const failures: unknown[] = [];
  let made = 0;
  let inserting: Promise<void> | undefined;
  let begun = 0;
  let stopping = false;

  const calls = createCalls({ services, perSecond, onSpare: beginLife, onCall });
  const batches = createBatches(calls, createRandom(seed, -1));

  const keep = (journal: OrderJournal) => {
    orders.set(String(journal.order.id), journal);
    return journal;
  };

  const insert = () => {
    const fresh = Array.from({ length: INSERTED }, () => nextOrder(false));
    inserting ??= rows.insert(fresh).then(() => {
      stock.push(...fresh);
      for (const order of fresh) {
        keep(createOrderJournal(order, "inserted"));
      }
      inserting = undefined;
    });
  };

  function nextOrder(parents: boolean): Order {
    const order = makeOrder(firstId, made);
    made += 1;
    return parents || !order.isParent ? order : nextOrder(false);
  }

  function beginLife(): void {
    if (stopping || living.size >= MAX_LIVES) {
      return;
    }
    const random = createRandom(seed, begun);
    begun += 1;
    if (random.chance(SUBMITTED)) {
      begin(submitted(random, nextOrder(true)));
      return;
    }
    const order = stock.shift();
    if (stock.length < IN_STOCK) {
      insert();
    }
    if (order !== undefined) {
      const journal = orders.get(String(order.id)) as OrderJournal;
      const tell = createTeller({ calls, batches, random }, journal, modelAt(order, [], 0));
      begin(liveInserted(tell, random));
    }
  }

  function begin(life: Promise<void>): void {
    const lived = life
      .catch((error: unknown) => {
        if (!(error instanceof Cut)) {
          failures.push(error);
        }
      })
      .finally(() => living.delete(lived));
    living.add(lived);
  }

  const world = (random: Random): FlowWorld => ({
    async follow(parent, childIds) {
      const warehouses = [...new Set(parent.lines.map(({ warehouseId }) => warehouseId))].toSorted((a = 0n, b = 0n) =>
        a < b ? -1 : 1,
      );
      const children = childIds.map((id, index) => ({
        ...parent,
        id,
        isParent: false,
        lines: parent.lines.filter(({ warehouseId }) => warehouseId === warehouses[index]),
      }));
      await Promise.all(children.map(({ id }) => rows.addWmsRows(id)));
      return children.map((child) =>
        createTeller({ calls, batches, random }, keep(createOrderJournal(child, "split")), {
          ...modelAt(child, [1000, 1010, 1020], 1),
        }),
      );
    },
    tellWms: (orderId, mode) => tellWms(servers.neighboursUrl, orderId, mode),
  });

  async function submitted(random: Random, order: Order): Promise<void> {
    const given = random.chance(0.5);
    const submission = await submit(random, order, given);
    if (submission === undefined) {
      return;
    }
    await rows.addWmsRows(submission.order.id);
    const tell: Teller = createTeller(
      { calls, batches, random },
      keep(submission),
      modelAt(submission.order, [1000], 1),
    );
    await liveInFlow(tell, random, world(random));
  }

  /** The shop sends the order in; twice, now and then. */
  async function submit(random: Random, order: Order, idIsGiven: boolean): Promise<OrderJournal | undefined> {
    const requestId = `faults-submit-${order.id}`;
    const request = {
      orderId: idIsGiven ? order.id : 0n,
      orderSource: order.source,
      orderType: order.type,
      lines: order.lines.map((line) => ({ ...line })),
      rechargeAccount: isVirtual(order) ? `138${String(order.id).slice(-8)}` : "",
      invoice: { title: `客户 ${order.id}`, content: "商品明细", email: `customer-${order.id}@example.com` },
      operator: "faults",
      requestId,
    };
    const call = createCall({ rpc: "SubmitOrder", requestId, asked: { status: 1000 }, expected: "OK" });
    try {
      const send = async () => {
        const reply = await calls.send(random, FulfilmentService.method.submitOrder, request, "shop", call);
        const id = reply.kind === "answered" ? reply.message.orderId : 0n;
        noteAnswer(call, reply.kind === "answered" ? "OK" : reply.why, id === 0n ? "" : String(id), { version: 1 });
        return id;
      };
      const id = await send();
      const journal = createOrderJournal({ ...order, id: id === 0n ? order.id : id, isParent: false }, "submitted");
      journal.calls.push(call);
      if (id === 0n) {
        keep(journal);
        return undefined;
      }
      keep(journal);
      if (random.chance(0.05)) {
        await send();
      }
      return journal;
    } finally {
      if (call.said === undefined && call.sent > 0) {
        unknownSubmissions.push(call);
      }
    }
  }

  insert();
  await inserting;

  return {
    async stop() {
      stopping = true;
      await Promise.race([allEnded(), sleep(LIVES_END_MS)]);
      calls.cut();
      await Promise.race([allEnded(), sleep(CALLS_END_MS)]);
      calls.giveUp();
      await allEnded();
      await inserting;
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
        silent: calls.silent,
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

function changes(orders: ReadonlyMap<string, OrderJournal>): number {
  let sum = 0;
  for (const { calls } of orders.values()) {
    for (const { said } of calls) {
      sum += said?.startsWith("APPLIED") === true ? 1 : 0;
    }
  }
  return sum;
}

async function lookAtDatabase({
  mysqlUrl,
  prefix,
}: ServerAddresses): Promise<{ firstId: bigint; ordersBefore: number }> {
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
async function tellWms(url: string, orderId: bigint, mode: "ok" | "refuse" | "later"): Promise<void> {
  const rule = { neighbour: "wms/cancel", mode, reason: "already packed", orderIds: [String(orderId)] };
  await fetch(`${url}/control`, {
    method: "POST",
    body: JSON.stringify(rule),
    signal: AbortSignal.timeout(2_000),
  }).catch(() => {});
}
