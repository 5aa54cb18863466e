/**
 * Rolling restart between a previous version and this one: their servers run at the same time on
 * one database, broker and Redis, with the previous names of the environment variables, while
 * orders run through their lifecycle. Each server in turn is replaced, and one is rolled back.
 * Fails unless every call succeeds and every effect happens once.
 *
 *     npm run test:rolling -- --previous <folder or git revision> [--orders 200]
 */
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Code, ConnectError } from "@connectrpc/connect";
import { ActionState } from "../gen/oms/operations/v1/action_service_pb.ts";
import { OrderStatus } from "../gen/oms/orderstatus/v1/order_status_pb.ts";
import { asCaller, createConnection, type ServiceConnection } from "../tools/client/index.ts";
import { REPORTERS } from "../tools/demo/expected-state.ts";
import { isVirtual, makeOrder, type Order } from "../tools/demo/orders.ts";
import { receivedBy } from "../tools/demo/stub-systems.ts";
import { startBackends } from "../tools/testkit/backends.ts";
import { type ServiceProcess, startServiceProcess } from "../tools/testkit/service.ts";

const ROOT = join(import.meta.dirname, "..");

/** Orders in progress at the same time. */
const CONCURRENCY = 16;

/** Maximum time for an order to be dispatched, and for the last Action to end, in milliseconds. */
const FLOW_TIMEOUT_MS = 60_000;

const POLL_MS = 20;

/** Attempts of a call that meets a server on its way down. */
const MAX_ATTEMPTS = 20;

/** As the previous version's deployment sets them. */
const PREVIOUS_VARIABLES = {
  OMS_OUTBOX_KEEP_MS: "10000",
  OMS_LEDGER_WATCH_MS: "2000",
  OMS_DOWNSTREAM_TIMEOUT_MS: "5000",
  OMS_WMS_ANSWER_MS: "600000",
  OMS_COMMIT_LANES: "1",
  OMS_HISTORY_KEEP_DAYS: "30",
  OMS_REQUEST_LOG_KEEP_DAYS: "30",
  OMS_UPKEEP_EVERY_MS: "1000",
};

const BEFORE_DISPATCH = [OrderStatus.PAID, OrderStatus.APPROVED, OrderStatus.ERP_ALLOCATED, OrderStatus.WMS_DISPATCHED];

const AFTER_DISPATCH = [
  OrderStatus.WMS_ACCEPTED,
  OrderStatus.PICKING,
  OrderStatus.PACKED,
  OrderStatus.HANDED_OVER,
  OrderStatus.IN_TRANSIT,
  OrderStatus.OUT_FOR_DELIVERY,
  OrderStatus.DELIVERED,
];

const LIFECYCLE = [OrderStatus.CREATED, ...BEFORE_DISPATCH, ...AFTER_DISPATCH];

type Version = "previous" | "current";

interface Server {
  readonly version: Version;
  readonly process: ServiceProcess;
  readonly connection: ServiceConnection;
}

const print = (line: string) => console.log(line);

/**
 * The folder of the previous version; a git revision is checked out next to this one's packages.
 */
function previousFolder(previous: string): { readonly folder: string; readonly remove: () => void } {
  if (existsSync(join(previous, "src/main.ts"))) {
    return { folder: resolve(previous), remove: () => {} };
  }
  const parent = mkdtempSync(join(tmpdir(), "oms-previous-"));
  const folder = join(parent, "order-status");
  const git = (...args: readonly string[]) => execFileSync("git", args, { cwd: ROOT, stdio: "pipe" });
  git("worktree", "add", "--detach", folder, previous);
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  return {
    folder,
    remove() {
      git("worktree", "remove", "--force", folder);
      rmSync(parent, { recursive: true });
    },
  };
}

/** The servers that accept calls, and counts of the calls. */
function createCluster() {
  const servers: Server[] = [];
  const succeeded: Record<Version, number> = { previous: 0, current: 0 };
  let retried = 0;
  let next = 0;

  return {
    servers,
    counts: () => ({ succeeded, retried }),
    /** Calls the servers in turn; a call that meets a shutdown is repeated on the next server. */
    async call<Response>(send: (connection: ServiceConnection) => Promise<Response>): Promise<Response> {
      for (let attempt = 1; ; attempt += 1) {
        next += 1;
        const server = servers[next % servers.length] as Server;
        try {
          const response = await send(server.connection);
          succeeded[server.version] += 1;
          return response;
        } catch (error) {
          if (ConnectError.from(error).code !== Code.Unavailable || attempt === MAX_ATTEMPTS) {
            throw error;
          }
          retried += 1;
          await sleep(POLL_MS);
        }
      }
    },
  };
}

type Cluster = ReturnType<typeof createCluster>;

/** Runs an order from its submission to its delivery. */
async function runOrder({ call }: Cluster, order: Order): Promise<void> {
  const { id: orderId, source: orderSource, type: orderType, lines } = order;
  const submission = {
    orderId,
    orderSource,
    orderType,
    lines: lines.map((line) => ({ ...line })),
    operator: "rolling restart",
    requestId: randomUUID(),
  };
  await call(({ fulfilment }) => fulfilment.submitOrder(submission, asCaller("shop")));
  const report = async (status: OrderStatus) => {
    const request = { orderId, status, operator: "rolling restart", requestId: randomUUID() };
    await call(({ orderStatus }) => orderStatus.updateOrderStatus(request, asCaller(REPORTERS[status] ?? "wms")));
  };
  await report(OrderStatus.PAID);
  for (const until = Date.now() + FLOW_TIMEOUT_MS; ; ) {
    const { orderStatus } = await call((connection) => connection.orderStatus.getOrderStatus({ orderId }));
    if (orderStatus === OrderStatus.WMS_DISPATCHED) {
      break;
    }
    if (Date.now() > until) {
      throw new Error(`the order was not dispatched within ${FLOW_TIMEOUT_MS} ms; its status is ${orderStatus}`);
    }
    await sleep(POLL_MS);
  }
  for (const status of AFTER_DISPATCH) {
    await report(status);
  }
}

/** Runs orders until `stop`, and each one that has begun to its end. */
function startLoad(cluster: Cluster, nextOrder: () => Order) {
  const done: Order[] = [];
  const failures: string[] = [];
  let stopping = false;
  const worker = async () => {
    while (!stopping) {
      const order = nextOrder();
      await runOrder(cluster, order).catch((error: unknown) => failures.push(`order ${order.id}: ${String(error)}`));
      done.push(order);
    }
  };
  const workers = Array.from({ length: CONCURRENCY }, worker);
  return {
    done,
    failures,
    async until(count: number): Promise<void> {
      while (done.length < count) {
        await sleep(POLL_MS);
      }
    },
    async stop(): Promise<void> {
      stopping = true;
      await Promise.all(workers);
    },
  };
}

/** What differs from one complete lifecycle with every effect once. */
async function verify(cluster: Cluster, orders: readonly Order[], stubSystemsUrl: string) {
  const differences: string[] = [];
  let actions = 0;
  for (const { id: orderId } of orders) {
    const { entries } = await cluster.call(({ orderStatus }) => orderStatus.listStatusHistory({ orderId }));
    const history = entries.map(({ version, toStatus }) => `${version}:${toStatus}`).join(" ");
    const expected = LIFECYCLE.map((status, index) => `${index + 1}:${status}`).join(" ");
    if (history !== expected) {
      differences.push(`order ${orderId}: history ${history}, expected ${expected}`);
    }
    const open = async () => {
      const ledger = await cluster.call((connection) => connection.actions.getOrderActions({ orderId }));
      actions += ledger.entries.length;
      return ledger.entries.filter(({ state, action }) => state !== ActionState.DONE && action !== "payment-timeout");
    };
    for (const until = Date.now() + FLOW_TIMEOUT_MS; ; ) {
      const before = actions;
      const entries = await open();
      if (entries.length === 0) {
        break;
      }
      if (Date.now() > until) {
        differences.push(`order ${orderId}: open Actions ${entries.map(({ action }) => action).join(", ")}`);
        break;
      }
      actions = before;
      await sleep(POLL_MS);
    }
  }
  const ids = orders.map(({ id }) => id).toSorted((a, b) => (a < b ? -1 : 1));
  const range = { first: ids[0] ?? 0n, last: ids.at(-1) ?? 0n };
  const enterprise = orders.filter(({ kind }) => kind === "enterprise" || kind === "marketplace").length;
  let effects = 0;
  for (const [system, expected] of [
    ["erp/allocate", orders.length],
    ["wms/dispatch", orders.length],
    ["message", 2 * orders.length],
    ["finance", enterprise],
  ] as const) {
    const keys = await receivedBy(stubSystemsUrl, system, range);
    effects += keys.length;
    if (keys.length !== expected || new Set(keys).size !== expected) {
      differences.push(`${system}: ${keys.length} requests with ${new Set(keys).size} keys, expected ${expected}`);
    }
  }
  return { differences, actions, effects };
}

/** Compares the legacy answer to one order on all servers, byte by byte. */
async function compareLegacyAnswers({ servers }: Cluster, orderId: bigint): Promise<string[]> {
  const answers = await Promise.all(
    servers.map(async ({ process: { httpPort } }) => {
      const path = `/services/orderStatus/getOrderStatus?orderId=${orderId}`;
      return (await fetch(`http://127.0.0.1:${httpPort}${path}`)).text();
    }),
  );
  return new Set(answers).size === 1 ? [] : [`legacy answers differ: ${answers.join(" | ")}`];
}

async function run(previous: string, orderCount: number): Promise<readonly string[]> {
  const backends = await startBackends(print);
  const { folder, remove } = previousFolder(previous);
  const cluster = createCluster();
  const { servers } = cluster;

  const start = async (version: Version): Promise<Server> => {
    const root = version === "previous" ? folder : ROOT;
    const { endpoints } = backends;
    const retention = endpoints.mysqlUrls?.oms_retention;
    const env =
      version === "previous" || retention === undefined
        ? PREVIOUS_VARIABLES
        : // Its own user may not delete rows.
          { ...PREVIOUS_VARIABLES, OMS_RETENTION_MYSQL_URL: retention };
    const started = await startServiceProcess({ endpoints, env, root });
    const connection = createConnection(`127.0.0.1:${started.grpcPort}`, { caller: "rolling restart" });
    return { version, process: started, connection };
  };
  const replace = async (index: number, version: Version) => {
    const added = await start(version);
    const [removed] = servers.splice(index, 1, added);
    await removed?.process.child.stop();
    removed?.connection.close();
    print(`replaced server ${index + 1}: ${removed?.version} → ${version}`);
  };

  try {
    servers.push(await start("previous"), await start("previous"));
    let created = 0;
    const firstId = BigInt(Date.now()) * 1_000n;
    const nextOrder = (): Order => {
      const order = makeOrder(firstId, created);
      created += 1;
      return order.isParent || isVirtual(order) || order.kind === "replenishment" ? nextOrder() : order;
    };
    const load = startLoad(cluster, nextOrder);
    const differences: string[] = [];
    for (const [step, [index, version]] of (
      [
        [0, "current"],
        [1, "current"],
        [0, "previous"],
      ] as const
    ).entries()) {
      await load.until(((step + 1) * orderCount) / 4);
      await replace(index, version);
      differences.push(...(await compareLegacyAnswers(cluster, load.done[0]?.id ?? 0n)));
    }
    await load.until(orderCount);
    await load.stop();
    const { failures, done } = load;
    const verified = await verify(cluster, done, backends.stubSystemsUrl);
    const { succeeded, retried } = cluster.counts();
    const warnings = servers.find(({ version }) => version === "current")?.process.child.stderr() ?? "";
    const deprecated = Object.keys(PREVIOUS_VARIABLES).filter((name) => warnings.includes(`${name} is deprecated`));
    print(
      [
        `${done.length} orders, ${succeeded.previous} calls on the previous and ${succeeded.current} on this version`,
        `${retried} calls repeated at a shutdown, ${failures.length} orders failed`,
        `${verified.actions} Action entries, ${verified.effects} effects in the stub systems`,
        `${deprecated.length} of ${Object.keys(PREVIOUS_VARIABLES).length} previous variables reported as deprecated`,
      ].join("\n"),
    );
    return [...failures, ...differences, ...verified.differences];
  } finally {
    for (const { process: started, connection } of servers) {
      connection.close();
      await started.child.stop();
    }
    await backends.stop();
    remove();
  }
}

const { values } = parseArgs({ options: { previous: { type: "string" }, orders: { type: "string", default: "200" } } });
if (values.previous === undefined) {
  console.error("--previous is required: the folder or git revision of the previous version");
  process.exit(2);
}
const differences = await run(values.previous, Number(values.orders));
for (const difference of differences) {
  print(difference);
}
print(
  differences.length === 0 ? "Every call succeeded, every effect happened once." : `${differences.length} differences`,
);
process.exitCode = differences.length === 0 ? 0 : 1;
