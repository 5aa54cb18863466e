import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemVariables } from "../../src/integrations/systems.ts";
import { prepareDatabase } from "../../src/store/users/prepare-database.ts";
import type { Exit } from "../../tools/devstack/child.ts";
import { ensurePrograms } from "../../tools/devstack/install.ts";
import { databaseUrls, mariadb } from "../../tools/devstack/mariadb.ts";
import { nats } from "../../tools/devstack/nats.ts";
import { ensurePasswords, type Passwords } from "../../tools/devstack/passwords.ts";
import { choosePort } from "../../tools/devstack/ports.ts";
import { redis } from "../../tools/devstack/redis.ts";
import { runServer, type ServerKind } from "../../tools/devstack/server.ts";
import { stubSystems, stubSystemUrls } from "../../tools/devstack/stub-systems/index.ts";
import { openTcpProxy, type TcpProxy } from "../../tools/testkit/tcp-proxy.ts";
import type { BackendAddresses, ServiceAddress } from "../types.ts";
import { createMember, type Member } from "./member.ts";
import { CLOCK_FILE, SERVICE_ENVIRONMENT, serviceKind } from "./service.ts";

const KINDS = { mariadb, nats, redis, "stub-systems": stubSystems } as const satisfies Record<string, ServerKind>;

/** The servers that services connect to. */
export type BackendName = keyof typeof KINDS;

const BACKENDS = Object.keys(KINDS) as BackendName[];

/**
 * Services and backends as processes, with a fault-injecting proxy between each service and each
 * backend.
 */
export interface Cluster {
  readonly serviceAddresses: readonly ServiceAddress[];
  /** Direct addresses, without the proxies. */
  readonly backendAddresses: BackendAddresses;
  readonly backends: Readonly<Record<BackendName, Member>>;
  readonly services: readonly Member[];
  /** The proxy between a service, by index, and a backend. */
  link(service: number, backend: BackendName): TcpProxy;
  /** Data folder of a backend. */
  dirOf(backend: BackendName): string;
  /** Shifts the wall clock of a service, in milliseconds. */
  setClock(service: number, offsetMs: number): void;
  /** Processes that exited without being killed, one sentence each. */
  readonly unexpectedExits: readonly string[];
  /**
   * Ends all faults and waits until all processes are up; rejects with the names of those that are
   * not up in time.
   */
  heal(withinMs: number): Promise<void>;
  /** Kills all processes. */
  stop(): Promise<void>;
}

export interface ClusterOptions {
  /** Absolute path of the folder for data and logs; emptied first. */
  readonly dir: string;
  /** Number of services; 2 by default. */
  readonly services?: number;
  /** Program of the services; `src/main.ts` by default. */
  readonly main?: string;
  /** Additional environment of the services. */
  readonly env?: Readonly<Record<string, string>>;
}

const ROOT = join(import.meta.dirname, "../..");

/** Time limit of the first start, in milliseconds. */
const BOOT_MS = 60_000;

const DATABASE_PREFIX = "faults_";

/** Starts a cluster with empty databases. All its processes exit with this one. */
export async function startCluster({
  dir,
  services: count = 2,
  main = join(ROOT, "src/main.ts"),
  env = {},
}: ClusterOptions): Promise<Cluster> {
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(join(dir, "log"), { recursive: true });
  const programs = await ensurePrograms([mariadb, redis, nats], () => {});
  const passwords = ensurePasswords(dir);
  const unexpectedExits: string[] = [];
  const ports = await distinctPorts(BACKENDS.length + 2 * count);

  const memberOf = (name: string, kind: ServerKind, port: number): Member => {
    let starts = 0;
    let logFile = "";
    const onUnexpectedExit = ({ code, signal }: Exit) =>
      unexpectedExits.push(`${name} exited unexpectedly (${signal ?? `exit code ${code}`}); see ${logFile}`);
    return createMember({
      name,
      onUnexpectedExit,
      launch: (signal) => {
        starts += 1;
        logFile = join(dir, "log", `${name}-${starts}.log`);
        const program = programs.get(kind) ?? process.execPath;
        return runServer(kind, { dir: join(dir, name), port, passwords, durable: true, program, logFile, signal });
      },
    });
  };

  const portOf = recordOf((_, index) => ports[index] as number);
  const backends = recordOf((name) => memberOf(name, KINDS[name], portOf[name]));
  const links: Record<BackendName, TcpProxy>[] = [];
  const services: Member[] = [];
  const serviceAddresses: ServiceAddress[] = [];
  for (let index = 0; index < count; index += 1) {
    const [grpcPort, httpPort] = ports.slice(BACKENDS.length + 2 * index) as [number, number];
    const opened = await Promise.all(
      BACKENDS.map((name) => openTcpProxy(() => ({ host: "127.0.0.1", port: portOf[name] }))),
    );
    const proxies = recordOf((_, backend) => opened[backend] as TcpProxy);
    links.push(proxies);
    serviceAddresses.push({ grpc: `127.0.0.1:${grpcPort}`, http: `http://127.0.0.1:${httpPort}` });
    const addresses = environmentOf(proxies, passwords, grpcPort, httpPort);
    const kind = serviceKind(main, { ...SERVICE_ENVIRONMENT, ...addresses, ...env });
    services.push(memberOf(`service-${index + 1}`, kind, httpPort));
  }
  const members = [...Object.values(backends), ...services];
  const proxies = links.flatMap((link) => Object.values(link));

  const setClock = (index: number, offsetMs: number) => {
    const file = join(dir, `service-${index + 1}`, CLOCK_FILE);
    writeFileSync(`${file}.new`, String(offsetMs));
    renameSync(`${file}.new`, file);
  };

  const startAll = async (which: readonly Member[], withinMs: number) => {
    const started = Promise.all(which.map((member) => member.start()));
    const timeout = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      const names = which.filter((member) => !member.isUp()).map(({ name }) => name);
      timeout.reject(new Error(`not up after ${withinMs / 1_000} s: ${names.join(", ")}; see ${dir}/log`));
    }, withinMs);
    try {
      await Promise.race([started, timeout.promise]);
    } finally {
      clearTimeout(timer);
    }
  };

  const stop = async () => {
    await Promise.all(members.map((member) => member.kill()));
    await Promise.all(proxies.map((proxy) => proxy.close()));
  };

  try {
    await startAll(Object.values(backends), BOOT_MS);
    const { root, oms_migrate } = databaseUrls(portOf.mariadb, passwords);
    await prepareDatabase({ administrator: root, migrations: oms_migrate }, DATABASE_PREFIX);
    await startAll(services, BOOT_MS);
  } catch (error) {
    await stop();
    throw error;
  }

  return {
    serviceAddresses,
    backendAddresses: {
      mysqlUrl: mariadb.url(portOf.mariadb, passwords),
      natsUrl: nats.url(portOf.nats, passwords),
      redisUrl: redis.url(portOf.redis, passwords),
      stubSystemsUrl: stubSystems.url(portOf["stub-systems"], passwords),
      prefix: DATABASE_PREFIX,
    },
    backends,
    services,
    link: (index, backend) => (links[index] as Record<BackendName, TcpProxy>)[backend],
    dirOf: (name) => join(dir, name),
    setClock,
    unexpectedExits,
    async heal(withinMs) {
      for (const proxy of proxies) {
        proxy.clearDisruptions();
        proxy.blackhole([]);
        proxy.setDelay(0);
        proxy.setAcceptMode("open");
      }
      for (const index of services.keys()) {
        setClock(index, 0);
      }
      for (const member of members) {
        member.thaw();
      }
      await startAll(members, withinMs);
    },
    stop,
  };
}

function recordOf<T>(makeValue: (name: BackendName, index: number) => T): Record<BackendName, T> {
  return Object.fromEntries(BACKENDS.map((name, index) => [name, makeValue(name, index)])) as Record<BackendName, T>;
}

async function distinctPorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    ports.add(await choosePort());
  }
  return [...ports];
}

/** Environment of a service that connects through its proxies. */
function environmentOf(
  proxies: Readonly<Record<BackendName, TcpProxy>>,
  passwords: Passwords,
  grpcPort: number,
  httpPort: number,
): Record<string, string> {
  const urls = stubSystemUrls(stubSystems.url(proxies["stub-systems"].port, passwords));
  return {
    OMS_GRPC_PORT: String(grpcPort),
    OMS_HTTP_PORT: String(httpPort),
    OMS_DATABASE_PREFIX: DATABASE_PREFIX,
    OMS_MYSQL_URL: databaseUrls(proxies.mariadb.port, passwords).oms_service,
    OMS_NATS_URL: nats.url(proxies.nats.port, passwords),
    OMS_REDIS_URL: redis.url(proxies.redis.port, passwords),
    ...systemVariables(urls),
  };
}
