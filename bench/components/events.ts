/**
 * Throughput from the outbox to the stream and through the six Actions, without the rest of the
 * service: events are written like a commit writes them, in batches of 256 on two connections, at a
 * steady rate. Backends and stub systems run on this machine. Usage: node
 * bench/components/events.ts [--rate 15000] [--seconds 10] [--publish 200000]
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createClaims } from "../../src/actions/effects/claims.ts";
import { bindHandlers, effects } from "../../src/actions/registry.ts";
import type { OrderEvent } from "../../src/domain/events.ts";
import { DEFAULT_ORDER_KINDS } from "../../src/domain/order-kinds.ts";
import { Status } from "../../src/domain/state-machine.ts";
import { createSystemClients } from "../../src/integrations/clients.ts";
import { openRedis } from "../../src/integrations/redis.ts";
import { encodeEvent } from "../../src/messaging/nats/codec.ts";
import { connectStream } from "../../src/messaging/nats/connection.ts";
import { createPublisher } from "../../src/messaging/nats/publisher.ts";
import { startRelay } from "../../src/messaging/relay/relay.ts";
import { subscriptionsFor } from "../../src/messaging/runner/action.ts";
import { startRunner } from "../../src/messaging/runner/runner.ts";
import { createLogger } from "../../src/observability/log.ts";
import { createMetrics } from "../../src/observability/metrics.ts";
import { createLedger } from "../../src/store/ledger/index.ts";
import { migrate } from "../../src/store/migrations/index.ts";
import { openDatabase } from "../../src/store/mysql/database.ts";
import { startStack, startStubSystems } from "../../tools/devstack/index.ts";
import { openEventWriter } from "../../tools/testkit/event-writer.ts";
import { LIFECYCLE } from "../load/call-sequences.ts";

const BATCH = 256;
const CONNECTIONS = 2;

const { values } = parseArgs({
  options: {
    rate: { type: "string", default: "15000" },
    seconds: { type: "string", default: "10" },
    publish: { type: "string", default: "200000" },
  },
});

/**
 * One order in five is a marketplace order, one in twenty a recharge card, one in twenty an
 * enterprise order.
 */
function kindOf(order: number): { orderSource: number; orderType: number } {
  if (order % 5 === 0) {
    return { orderSource: 2001, orderType: 1 };
  }
  return { orderSource: 1000, orderType: order % 20 === 1 ? 31 : order % 20 === 2 ? 21 : 1 };
}

/**
 * Orders per group, and number of groups. Each group is one step ahead of the next, so all steps
 * occur at any time.
 */
const GROUP = 100;
const GROUPS = LIFECYCLE.length;

/** The n-th event. */
function eventAt(index: number): OrderEvent {
  const group = index % GROUPS;
  const position = Math.floor(index / GROUPS) % GROUP;
  const time = Math.floor(index / (GROUPS * GROUP)) + group;
  const step = time % LIFECYCLE.length;
  const generation = Math.floor(time / LIFECYCLE.length);
  const order = 1 + (generation * GROUPS + group) * GROUP + position;
  const now = new Date();
  return {
    type: "status-changed",
    messageId: `${order}-${step + 1}`,
    orderId: BigInt(order),
    rootParentId: BigInt(order),
    ...kindOf(order),
    recordTime: now,
    caller: "wms",
    operator: "bench",
    authenticatedOperator: "",
    traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    fromStatus: step === 0 ? Status.CREATED : (LIFECYCLE[step - 1] ?? Status.CREATED),
    toStatus: LIFECYCLE[step] ?? Status.PAID,
    version: step + 1,
    occurTime: now,
    requestId: `request-${index}`,
    remark: "",
    warehouseCount: 0,
  };
}

function processorTime(): () => number {
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1e6;
  };
}

const perSecond = (count: number, ms: number) => Math.round((count / ms) * 1_000).toLocaleString("en");

const dataDir = await mkdtemp(join(tmpdir(), "oms-bench-events-"));
const stack = await startStack({ dataDir, need: { mysql: true, redis: true, nats: true }, onProgress: () => {} });
const stubSystems = await startStubSystems({ dataDir: join(dataDir, "stub-systems"), onProgress: () => {} });
try {
  await run(stack.mysqlUrl as string, stack.natsUrl as string, stack.redisUrl as string);
} finally {
  await stubSystems.stop();
  await stack.stop();
  await rm(dataDir, { recursive: true, force: true });
}

async function run(mysqlUrl: string, natsUrl: string, redisUrl: string): Promise<void> {
  const log = createLogger("warn");
  const metrics = createMetrics();
  const db = openDatabase({ url: mysqlUrl, connections: 12 });
  await migrate(db);
  const stream = connectStream({ url: natsUrl, log });
  const publisher = createPublisher({ stream, log, metrics });
  const redis = openRedis({ url: redisUrl, log });
  const systems = createSystemClients({ urls: stubSystems.urls, timeoutMs: 10_000, log });
  const claims = createClaims(redis, { leaseMs: 30_000 });
  const definitions = effects({ kinds: DEFAULT_ORDER_KINDS });
  const actions = bindHandlers(definitions, { db, publisher, claims, systems: systems.clients });
  await new Promise<void>((resolve) => stream.onConnect(() => resolve()));

  await measurePublishing(Number(values.publish));

  const relay = startRelay({ db, publisher, stream, log, metrics });
  const ledger = createLedger({ db, leaseMs: 30_000 });
  const running = startRunner({ actions, stream, ledger, log, metrics });
  await measureEndToEnd(Number(values.rate), Number(values.seconds));
  await running.stop(2_000);
  await relay.stop(2_000);
  publisher.close();
  await stream.close();
  redis.disconnect();
  systems.close();
  await db.destroy();

  async function measurePublishing(count: number): Promise<void> {
    const rows = Array.from({ length: count }, (_, index) => {
      const event = eventAt(index);
      // Other orders than in the second part, and a subject without subscribers.
      const orderId = event.orderId + 1_000_000_000n;
      return { ...event, orderId, ...encodeEvent(event), subject: "oms.v1.bench", messageId: `bench-${index}` };
    });
    const used = processorTime();
    const began = performance.now();
    await new Promise<void>((resolve) => {
      let open = count;
      publisher.publish(rows, () => {
        open -= 1;
        if (open === 0) {
          resolve();
        }
      });
    });
    const took = performance.now() - began;
    console.log(
      `published alone: ${perSecond(count, took)}/s, ${((used() / count) * 1e6).toFixed(1)} µs of processor time per event`,
    );
  }

  async function measureEndToEnd(rate: number, seconds: number): Promise<void> {
    const asked = subscriptionsFor(actions);
    const deps = { encode: encodeEvent, subscriptionsFor: asked, ledgerWatchMs: 30_000 };
    const events = openEventWriter(db, { ...deps, lanes: CONNECTIONS });
    const used = processorTime();
    const began = performance.now();
    let next = 0;
    let committed = 0;
    let due = 0;
    const writer = async () => {
      while (performance.now() - began < seconds * 1_000) {
        if (next > ((performance.now() - began) / 1_000) * rate) {
          await delay(1);
          continue;
        }
        const first = next;
        next += BATCH;
        const rows = await events.commit(Array.from({ length: BATCH }, (_, index) => eventAt(first + index)));
        committed += rows.length;
        due += rows.reduce((sum, { event }) => sum + asked(event).length, 0);
        relay.enqueue(rows.map(({ row }) => row));
      }
    };
    const progress = setInterval(async () => {
      console.log(
        `  ${((performance.now() - began) / 1_000).toFixed(0)} s: ${committed} committed, ${relay.unpublished()} unpublished, ${await done()} of ${due} effects`,
      );
    }, 2_000);
    await Promise.all(Array.from({ length: CONNECTIONS }, writer));
    const loaded = performance.now() - began;
    await events.close();
    const published = await waitForZero(() => relay.unpublished());
    const effects = await waitForZero(async () => due - (await done()));
    clearInterval(progress);
    const busy = used();
    console.log(`committed: ${perSecond(committed, loaded)}/s of ${rate}/s offered, ${due} effects due`);
    console.log(
      `all published ${published.toFixed(0)} ms, all effects done ${effects.toFixed(0)} ms after the last commit`,
    );
    console.log(`processor time of this process: ${((busy / committed) * 1e6).toFixed(0)} µs per event`);
    const memory = Math.round(process.memoryUsage().rss / 2 ** 20);
    console.log(`memory: ${memory} MiB`);
    for (const { labels, value, metricName } of (await metrics.actionLag.get()).values) {
      if (metricName === "oms_action_lag_seconds_sum" || metricName === "oms_action_lag_seconds_count") {
        console.log(
          `  ${labels.action} ${metricName?.replace("oms_action_lag_seconds_", "lag ")}: ${value.toFixed(1)}`,
        );
      }
    }
  }

  async function done(): Promise<number> {
    const { values: counts } = await metrics.actionAttempts.get();
    return counts.filter(({ labels }) => labels.result === "done").reduce((sum, { value }) => sum + value, 0);
  }
}

/** Waits until the count is 0, for a minute at most. Resolves with the elapsed milliseconds. */
async function waitForZero(count: () => number | Promise<number>): Promise<number> {
  const began = performance.now();
  while ((await count()) > 0 && performance.now() - began < 60_000) {
    await delay(5);
  }
  return performance.now() - began;
}
