/**
 * The demo: runs orders of all kinds from CREATED to their end states through the public gRPC API
 * of the running service. It checks each response, and finally compares everything that must
 * have happened with what is found in the history, the event stream, the ledger and the stub
 * systems.
 */
import { parseArgs } from "node:util";
import type { Interceptor } from "@connectrpc/connect";
import { Presets, SingleBar } from "cli-progress";
import { ConfigError, readConfig } from "../../src/config/load.ts";
import { STATES } from "../../src/domain/state-machine.ts";
import { createConnection, type ServiceClients } from "../client/index.ts";
import { integerOption, optionsOrExit } from "../testkit/program.ts";
import { type Addresses, DemoError, findAddresses } from "./addresses.ts";
import { openDatabase, type Range } from "./database.ts";
import { createOrderDriver, type DriverDeps, type OrderDriver } from "./driver.ts";
import type { ExpectedState } from "./expected-state.ts";
import { freshIds, insertWmsRows, makeOrder, type Order } from "./orders.ts";
import { chooseScenario, type TrackOrders } from "./scenarios.ts";
import { openStream } from "./stream.ts";
import { readStock, receivedBy } from "./stub-systems.ts";
import { describeEndStates, verify, verifyStock } from "./verification.ts";
import { type Watch, watchOrders } from "./watch.ts";

/** Maximum number of orders: one watch and one batch read take them all. */
const MAX_ORDERS = 1_000;
/** Maximum number of concurrent scenarios. */
const CONCURRENCY = 64;
/** Maximum wait for the effects after the last call, in milliseconds. */
const EFFECTS_MS = 60_000;
const POLL_MS = 100;
/** Maximum number of differences printed. */
const MAX_DIFFERENCES = 40;

/** States in which an order is finished. */
const END_STATES: readonly number[] = STATES.filter(({ final }) => final).map(({ code }) => code);

const USAGE = `Usage: npm run demo [-- --orders N]

  --orders N   number of orders, 1 to ${MAX_ORDERS} (default ${MAX_ORDERS})

Runs against the service of this folder (npm start), or the one that the variables OMS_… describe.`;

/** @throws Error naming the option that is wrong and the values it accepts */
function readOptions(args: readonly string[]): { readonly count: number } {
  const { values } = parseArgs({
    args: [...args],
    options: { orders: { type: "string", default: String(MAX_ORDERS) } },
  });
  return { count: integerOption("orders", values.orders, 1, MAX_ORDERS) as number };
}

const number = (value: number) => value.toLocaleString("en");

/** Runs `work` for all items, with limited concurrency. */
async function forEach<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  const iterator = items[Symbol.iterator]();
  const worker = async () => {
    for (let next = iterator.next(); !next.done; next = iterator.next()) {
      await work(next.value);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
}

interface ScenarioResults {
  readonly watches: readonly Watch[];
  readonly expected: readonly ExpectedState[];
  /** Unexpected responses; each ended its scenario early. */
  readonly failures: readonly string[];
}

/** Submits the orders and runs their scenarios. */
async function runScenarios(
  clients: ServiceClients,
  orders: readonly Order[],
  {
    stubSystemsUrl,
    calls,
    insertRows,
  }: {
    readonly stubSystemsUrl: string;
    /** Number of calls so far. */
    readonly calls: () => number;
    readonly insertRows: (orderIds: readonly bigint[]) => Promise<void>;
  },
): Promise<ScenarioResults> {
  const bar = new SingleBar(
    { format: "  {bar} {value}/{total} orders, {calls} calls", hideCursor: true, noTTYOutput: false },
    Presets.shades_classic,
  );
  const expected: ExpectedState[] = [];
  const failures: string[] = [];
  const watches: Watch[] = [];
  const watchOf = new Map<bigint, Watch>();
  const deps: DriverDeps = { stubSystemsUrl, watch: (orderId) => watchOf.get(orderId) as Watch };

  const createDrivers = (these: readonly Order[], status: number, version: number) =>
    these.map((order) => {
      const driver = createOrderDriver(clients, order, deps, { status, version });
      expected.push(driver.expected);
      return driver;
    });
  const startWatch = async (these: readonly Order[]) => {
    const orderIds = these.map(({ id }) => id);
    await insertRows(orderIds);
    const watch = watchOrders(clients, orderIds);
    watches.push(watch);
    for (const orderId of orderIds) {
      watchOf.set(orderId, watch);
    }
  };
  const track: TrackOrders = async (children) => {
    await startWatch(children);
    return createDrivers(children, 1020, 1);
  };

  bar.start(orders.length, 0, { calls: 0 });
  const drivers = createDrivers(orders, 1000, 0);
  await forEach(drivers, (driver) => driver.submit());
  await startWatch(orders);
  await forEach(orders.entries(), async ([index, order]) => {
    const { name, run } = chooseScenario(order, index);
    await run(drivers[index] as OrderDriver, track).catch((error: unknown) => {
      failures.push(`${order.kind}, ${name}: ${error instanceof Error ? error.message : String(error)}`);
    });
    bar.increment(1, { calls: number(calls()) });
  });
  bar.stop();
  return { watches, expected, failures };
}

/** Compares the state of each order with the expected one. */
async function checkStates({ orderStatus }: ServiceClients, expected: readonly ExpectedState[]): Promise<string[]> {
  const orderIds = expected.map(({ order }) => order.id);
  const statuses = [];
  for (let at = 0; at < orderIds.length; at += MAX_ORDERS) {
    const response = await orderStatus.batchGetOrderStatus({ orderIds: orderIds.slice(at, at + MAX_ORDERS) });
    statuses.push(...response.statuses);
  }
  const found = new Map(statuses.map((status) => [status.orderId, status]));
  return expected.flatMap(({ order, status, version, paused }) => {
    const state = found.get(order.id);
    const [actual, wanted] = [
      [state?.orderStatus, state?.version, state?.paused, state?.finished],
      [status, BigInt(version), paused, END_STATES.includes(status)],
    ].map((facts) => facts.join(" / "));
    return actual === wanted
      ? []
      : [`order ${order.id} has status / version / paused / finished ${actual}, expected ${wanted}`];
  });
}

/** Waits for a condition, at most `timeoutMs`. */
async function waitFor(condition: () => Promise<boolean>, timeoutMs: number): Promise<void> {
  for (const until = Date.now() + timeoutMs; Date.now() < until && !(await condition()); ) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Runs the demo and prints its report; returns the differences from the expectation. */
async function run(addresses: Addresses, count: number): Promise<readonly string[]> {
  let calls = 0;
  const countCalls: Interceptor = (next) => (request) => {
    calls += request.stream ? 0 : 1;
    return next(request);
  };
  const connection = createConnection(addresses.grpc, { caller: "demo", interceptors: [countCalls] });
  await connection.connect().catch(() => {
    throw new DemoError(`The service is unreachable at ${addresses.grpc}. Start it with npm start in another shell.`);
  });
  const database = await openDatabase(addresses.mysqlUrl, addresses.databasePrefix);
  const stream = await openStream(addresses.natsUrl);
  try {
    const firstId = await freshIds(database.connection, addresses.databasePrefix);
    const orders = Array.from({ length: count }, (_, index) => makeOrder(firstId, index));
    const stockBefore = await readStock(addresses.stubSystemsUrl);
    const lastId = firstId + BigInt(count - 1);
    console.log(
      `Running ${number(count)} new orders, ${firstId} to ${lastId}, ${CONCURRENCY} at a time, against ${addresses.grpc}:`,
    );

    const start = performance.now();
    const { watches, expected, failures } = await runScenarios(connection, orders, {
      stubSystemsUrl: addresses.stubSystemsUrl,
      calls: () => calls,
      insertRows: (ids) => insertWmsRows(database.connection, addresses.databasePrefix, ids),
    });
    const seconds = (performance.now() - start) / 1000;
    // Child orders have ids assigned by the service, beyond those of the demo.
    const range: Range = {
      first: firstId,
      last: [lastId, ...expected.map(({ order }) => order.id)].toSorted((a, b) => (a < b ? -1 : 1)).at(-1) as bigint,
    };
    console.log(
      `${number(calls)} calls in ${seconds.toFixed(1)} s, ${failures.length === 0 ? "all responses as expected" : `${failures.length} unexpected responses`}.`,
    );
    const wrongStates = await checkStates(connection, expected);

    const effects = expected.flatMap((state) => state.effects).length;
    const changes = expected.reduce((sum, { version }) => sum + version, 0);
    const watched = () => watches.flatMap((watch) => watch.changes);
    const lastCall = performance.now();
    await waitFor(async () => (await database.openEntries(range)) === 0, EFFECTS_MS);
    await waitFor(async () => watched().length >= changes, 5_000);
    console.log(
      `${number(effects)} effects expected; all Actions finished ${Math.round(performance.now() - lastCall)} ms after the last call.\n`,
    );

    const published = await stream.read(range);
    const settlements = await database.settlements(range);
    const { text, differences } = verify(expected, {
      history: await database.history(range),
      events: published.events,
      watched: watched(),
      ledger: await database.ledger(range),
      settlements,
      effects: {
        "third-party-notify": published.toMarketplaces,
        "settlement-push": settlements.map(({ messageId }) => messageId),
        "gift-record": await database.grantedGifts(range),
        "e-invoice": await receivedBy(addresses.stubSystemsUrl, "einvoice", range),
        "finance-push": await receivedBy(addresses.stubSystemsUrl, "finance", range),
        "customer-message": await receivedBy(addresses.stubSystemsUrl, "message", range),
      },
    });
    for (const watch of watches) {
      watch.close();
    }
    const stock = verifyStock(expected, stockBefore, await readStock(addresses.stubSystemsUrl));
    console.log(`${text}\n\n${describeEndStates(expected)}\n\n${stock.text}\n`);
    const faults = watches.flatMap((watch) => watch.faults);
    return [...failures, ...wrongStates, ...faults, ...differences, ...stock.differences];
  } finally {
    connection.close();
    await Promise.allSettled([database.close(), stream.close()]);
  }
}

const { count } = optionsOrExit(USAGE, readOptions);
try {
  const differences = await run(findAddresses(readConfig(process.env)), count);
  if (differences.length > 0) {
    console.log(`${number(differences.length)} differences:`);
    for (const difference of differences.slice(0, MAX_DIFFERENCES)) {
      console.log(`  ${difference}`);
    }
    process.exitCode = 1;
  } else {
    console.log("Result: every expected change, event and effect was found exactly once.");
  }
} catch (error) {
  if (!(error instanceof DemoError || error instanceof ConfigError)) {
    throw error;
  }
  console.error(error.message);
  process.exitCode = 1;
}
