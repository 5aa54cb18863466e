/**
 * The demo: 1,000 orders of all kinds, from CREATED to their ends, through the public gRPC port of the running service. Each answer is
 * checked; at the end everything that must have come of it is counted, at the places where others would see it.
 */

import type { Interceptor } from "@connectrpc/connect";
import { Presets, SingleBar } from "cli-progress";
import { ConfigError, readConfig } from "../../src/config/load.ts";
import { createConnection, type ServiceClients } from "../client/index.ts";
import { type Addresses, DemoError, findAddresses } from "./addresses.ts";
import { openDatabase, type Range } from "./database.ts";
import { createOrderDriver, type DriverDeps, type OrderDriver } from "./driver.ts";
import { describeEndStates, verifyStock } from "./end-states.ts";
import type { ExpectedState } from "./expected-state.ts";
import { freshIds, insertWmsRows, makeOrder, type Order } from "./orders.ts";
import { chooseScenario, type TrackOrders } from "./scenarios.ts";
import { openStream } from "./stream.ts";
import { readStock, receivedBy } from "./stub-systems.ts";
import { verify } from "./verification.ts";
import { type Watch, watchOrders } from "./watch.ts";

const ORDERS = 1_000;
/** Lives that are told at the same time. */
const AT_ONCE = 64;
/** Longest wait for the effects after the last report. */
const EFFECTS_MS = 60_000;
const POLL_MS = 100;
/** How many differences are named. */
const NAMED = 40;

const number = (value: number) => value.toLocaleString("en");

/** Tells all lives, some at a time; the surprises come back, each of which ended its order's life early. */
async function tellLives(
  clients: ServiceClients,
  orders: readonly Order[],
  stubSystemsUrl: string,
  calls: () => number,
  insertRows: (orderIds: readonly bigint[]) => Promise<void>,
): Promise<{ watches: Watch[]; outlooks: ExpectedState[]; surprises: string[] }> {
  const bar = new SingleBar(
    { format: "  {bar} {value}/{total} orders, {calls} calls", hideCursor: true, noTTYOutput: false },
    Presets.shades_classic,
  );
  const outlooks: ExpectedState[] = [];
  const surprises: string[] = [];
  bar.start(orders.length, 0, { calls: 0 });
  const watches: Watch[] = [];
  const watchOf = new Map<bigint, Watch>();
  const begin = (these: readonly Order[], status: number, version: number) =>
    these.map((order) => {
      const teller = createOrderDriver(clients, order, surroundings, { status, version });
      outlooks.push(teller.outlook);
      return teller;
    });
  const see = async (these: readonly Order[]) => {
    await insertRows(these.map(({ id }) => id));
    const watch = watchOrders(
      clients,
      these.map(({ id }) => id),
    );
    watches.push(watch);
    for (const { id } of these) {
      watchOf.set(id, watch);
    }
  };
  const surroundings: DriverDeps = {
    stubSystemsUrl,
    watch: (orderId) => watchOf.get(orderId) as Watch,
  };
  const follow: TrackOrders = async (children) => {
    await see(children);
    return begin(children, 1020, 1);
  };
  const tellers = begin(orders, 1000, 0);
  const submitting = tellers.values();
  const submitNext = async () => {
    for (const teller of submitting) {
      await teller.submit();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, submitNext));
  await see(orders);
  const waiting = orders.entries();
  const tellNext = async () => {
    for (const [index, order] of waiting) {
      const teller = tellers[index] as OrderDriver;
      const { name, live } = chooseScenario(order, index);
      await live(teller, follow).catch((error: unknown) => {
        surprises.push(`${order.kind}, ${name}: ${error instanceof Error ? error.message : String(error)}`);
      });
      bar.increment(1, { calls: number(calls()) });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, tellNext));
  bar.stop();
  return { watches, outlooks, surprises };
}

/** Holds where each order stands against where it must. */
async function checkEnds(clients: ServiceClients, outlooks: readonly ExpectedState[]): Promise<string[]> {
  const orderIds = outlooks.map(({ order }) => order.id);
  const statuses = [];
  for (let at = 0; at < orderIds.length; at += ORDERS) {
    const part = { orderIds: orderIds.slice(at, at + ORDERS) };
    statuses.push(...(await clients.orderStatus.batchGetOrderStatus(part)).statuses);
  }
  const found = new Map(statuses.map((status) => [status.orderId, status]));
  const ENDS = [1030, 6010, 6020, 6040, 9001];
  return outlooks.flatMap(({ order, status, version, paused }) => {
    const end = found.get(order.id);
    const [now, expected] = [
      [end?.orderStatus, end?.version, end?.paused, end?.finished],
      [status, BigInt(version), paused, ENDS.includes(status)],
    ].map((facts) => facts.join(" / "));
    return now === expected
      ? []
      : [`order ${order.id} ends with status / version / paused / finished ${now}, expected ${expected}`];
  });
}

/** Waits for a fact, a bounded time; says whether it came. */
async function waitFor(fact: () => Promise<boolean>, timeoutMs: number): Promise<boolean> {
  for (const until = Date.now() + timeoutMs; Date.now() < until; ) {
    if (await fact()) {
      return true;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return fact();
}

async function run(addresses: Addresses): Promise<readonly string[]> {
  let calls = 0;
  const countCalls: Interceptor = (next) => (request) => {
    calls += request.stream ? 0 : 1;
    return next(request);
  };
  const connection = createConnection(addresses.grpc, { caller: "demo", interceptors: [countCalls] });
  await connection.connect().catch(() => {
    throw new DemoError(`nothing answers at ${addresses.grpc}: start the service with \`npm start\` in another shell`);
  });
  const database = await openDatabase(addresses.mysqlUrl, addresses.databasePrefix);
  const stream = await openStream(addresses.natsUrl);
  try {
    const firstId = await freshIds(database.connection, addresses.databasePrefix);
    const orders = Array.from({ length: ORDERS }, (_, index) => makeOrder(firstId, index));
    const before = await readStock(addresses.stubSystemsUrl);
    const range: { -readonly [K in keyof Range]: Range[K] } = { first: firstId, last: firstId + BigInt(ORDERS - 1) };
    console.log(
      `${number(ORDERS)} new orders, ${range.first} to ${range.last}; ${AT_ONCE} lives at a time through ${addresses.grpc}:`,
    );

    const start = performance.now();
    const { watches, outlooks, surprises } = await tellLives(
      connection,
      orders,
      addresses.stubSystemsUrl,
      () => calls,
      (ids) => insertWmsRows(database.connection, addresses.databasePrefix, ids),
    );
    // What orders were split into got ids from the service, beyond the demo's own.
    range.last =
      outlooks
        .map(({ order }) => order.id)
        .toSorted((a, b) => (a < b ? -1 : 1))
        .at(-1) ?? range.last;
    const seen = () => watches.flatMap(({ changes }) => changes);
    const seconds = (performance.now() - start) / 1000;
    console.log(
      `${number(calls)} calls in ${seconds.toFixed(1)} s, ${surprises.length === 0 ? "each answer as expected" : `${surprises.length} answers unexpected`}.`,
    );
    const wrongEnds = await checkEnds(connection, outlooks);

    const due = outlooks.flatMap(({ effects }) => effects).length;
    const lastCommit = performance.now();
    await waitFor(async () => (await database.openRuns(range)) === 0, EFFECTS_MS);
    const changes = outlooks.reduce((sum, { version }) => sum + version, 0);
    await waitFor(async () => seen().length >= changes, 5_000);
    console.log(
      `${number(due)} effects due; the last was there ${Math.round(performance.now() - lastCommit)} ms after the last call.\n`,
    );

    const published = await stream.read(range);
    const settlements = await database.settlements(range);
    const { text, differences } = verify(outlooks, {
      history: await database.history(range),
      events: published.events,
      watched: seen(),
      ledger: await database.ledger(range),
      settlements,
      effects: {
        "third-party-notify": published.toMarketplaces,
        "settlement-push": settlements.map(({ messageId }) => messageId),
        "gift-record": await database.givenGifts(range),
        "e-invoice": await receivedBy(addresses.stubSystemsUrl, "einvoice", range),
        "finance-push": await receivedBy(addresses.stubSystemsUrl, "finance", range),
        "customer-message": await receivedBy(addresses.stubSystemsUrl, "message", range),
      },
    });
    for (const watch of watches) {
      watch.close();
    }
    const stock = verifyStock(outlooks, before, await readStock(addresses.stubSystemsUrl));
    console.log(`${text}\n\n${describeEndStates(outlooks)}\n\n${stock.text}\n`);
    const faults = watches.flatMap((watch) => watch.faults);
    return [...surprises, ...wrongEnds, ...faults, ...differences, ...stock.differences];
  } finally {
    connection.close();
    await Promise.allSettled([database.close(), stream.close()]);
  }
}

try {
  const differences = await run(findAddresses(readConfig(process.env)));
  if (differences.length > 0) {
    console.log(`${number(differences.length)} differences:`);
    for (const difference of differences.slice(0, NAMED)) {
      console.log(`  ${difference}`);
    }
    process.exitCode = 1;
  } else {
    console.log("Everything happened, and everything once.");
  }
} catch (error) {
  if (!(error instanceof DemoError || error instanceof ConfigError)) {
    throw error;
  }
  console.error(error.message);
  process.exitCode = 1;
}
