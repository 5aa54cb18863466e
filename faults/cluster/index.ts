import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemVariables } from "../../src/integrations/systems.ts";
import type { Exit } from "../../tools/devstack/child.ts";
import { ensurePrograms } from "../../tools/devstack/install.ts";
import { mariadb } from "../../tools/devstack/mariadb.ts";
import { nats } from "../../tools/devstack/nats.ts";
import { choosePort } from "../../tools/devstack/ports.ts";
import { redis } from "../../tools/devstack/redis.ts";
import { runServer, type ServerKind } from "../../tools/devstack/server.ts";
import { stubSystems, stubSystemUrls } from "../../tools/devstack/stub-systems/kind.ts";
import { openTcpProxy, type TcpProxy } from "../../tools/testkit/tcp-proxy.ts";
import type { BackendAddresses, ServiceAddress } from "../types.ts";
import { SERVICE_ENVIRONMENT } from "./environment.ts";
import { createMember, type Member } from "./member.ts";
import { CLOCK_FILE, serviceKind } from "./service-kind.ts";

/** The servers that services talk to. */
export const BACKENDS = ["mariadb", "nats", "redis", "neighbours"] as const;

export type BackendName = (typeof BACKENDS)[number];

/** Two services and the servers around them, each a process of its own, with a way between each service and each server that can break. */
export interface Cluster {
  readonly serviceAddresses: readonly ServiceAddress[];
  /** Not through the proxies. */
  readonly backendAddresses: BackendAddresses;
  readonly backends: Readonly<Record<BackendName, Member>>;
  /** By the service's index. */
  readonly services: readonly Member[];
  /** The way from a service, by its index, to a server. */
  link(service: number, to: BackendName): TcpProxy;
  /** The folder of a server's data. */
  dirOf(server: BackendName): string;
  /** That service's wall clock goes ahead by so many milliseconds. */
  setClock(service: number, offsetMs: number): void;
  /** What ended by itself though nobody killed it, as a sentence each. */
  readonly unexpectedExits: readonly string[];
  /** Repairs everything, and waits until all processes are up; rejects with the names of those that are not in time. */
  heal(withinMs: number): Promise<void>;
  /** Ends all processes at once. */
  stop(): Promise<void>;
}

export interface ClusterOptions {
  /** Absolute; its data and logs. */
  readonly dir: string;
  readonly services?: number;
  /** The services' program; `src/main.ts` unless told. */
  readonly main?: string;
  /** Further environment of the services. */
  readonly env?: Readonly<Record<string, string>>;
}

const ROOT = join(import.meta.dirname, "../..");
const KINDS: Readonly<Record<BackendName, ServerKind>> = { mariadb, nats, redis, neighbours: stubSystems };

/** How long the first start may take. */
const BOOT_MS = 60_000;

/** Before the databases' names. */
const PREFIX = "faults_";

/** Starts a cluster with empty databases. All of it ends when this process does, however it does. */
export async function startCluster({
  dir,
  services: count = 2,
  main = join(ROOT, "src/main.ts"),
  env = {},
}: ClusterOptions): Promise<Cluster> {
  // An absolute place of its own: nothing of an earlier run may be left in it.
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(join(dir, "log"), { recursive: true });
  const programs = await ensurePrograms([mariadb, redis, nats], () => {});
  const unexpectedExits: string[] = [];
  const ports = await differentPorts(BACKENDS.length + 2 * count);

  const memberOf = (name: string, kind: ServerKind, port: number): Member => {
    let starts = 0;
    let logFile = "";
    const onUnexpectedExit = ({ code, signal }: Exit) =>
      unexpectedExits.push(
        `${name} ended by itself (${signal ?? `exit code ${code}`}); the end of its log is in ${logFile}`,
      );
    return createMember({
      name,
      onUnexpectedExit,
      launch: (signal) => {
        starts += 1;
        logFile = join(dir, "log", `${name}-${starts}.log`);
        const program = programs.get(kind) ?? process.execPath;
        return runServer(kind, { dir: join(dir, name), port, durable: true, program, logFile, signal });
      },
    });
  };

  const portOf = Object.fromEntries(BACKENDS.map((name, index) => [name, ports[index]])) as Record<BackendName, number>;
  const backends = Object.fromEntries(
    BACKENDS.map((name) => [name, memberOf(name, KINDS[name], portOf[name])]),
  ) as Record<BackendName, Member>;
  const links: Record<BackendName, TcpProxy>[] = [];
  const services: Member[] = [];
  const serviceAddresses: ServiceAddress[] = [];
  for (let index = 0; index < count; index += 1) {
    const [grpcPort, httpPort] = ports.slice(BACKENDS.length + 2 * index) as [number, number];
    const proxies = Object.fromEntries(
      await Promise.all(
        BACKENDS.map(async (name) => [name, await openTcpProxy(() => ({ host: "127.0.0.1", port: portOf[name] }))]),
      ),
    ) as Record<BackendName, TcpProxy>;
    links.push(proxies);
    serviceAddresses.push({ grpc: `127.0.0.1:${grpcPort}`, http: `http://127.0.0.1:${httpPort}` });
    const addresses = environmentOf(proxies, grpcPort, httpPort);
    services.push(
      memberOf(`service-${index + 1}`, serviceKind(main, { ...SERVICE_ENVIRONMENT, ...addresses, ...env }), httpPort),
    );
  }
  const members = [...Object.values(backends), ...services];
  const proxies = links.flatMap((link) => Object.values(link));

  const setClock = (index: number, offsetMs: number) => {
    const file = join(dir, `service-${index + 1}`, CLOCK_FILE);
    writeFileSync(`${file}.new`, String(offsetMs));
    renameSync(`${file}.new`, file);
  };

  const bringUp = async (which: readonly Member[], withinMs: number) => {
    const up = Promise.all(which.map((member) => member.start()));
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      const names = which.filter((member) => !member.isUp()).map(({ name }) => name);
      late.reject(new Error(`not up after ${withinMs / 1_000} s: ${names.join(", ")}; their logs are in ${dir}/log`));
    }, withinMs);
    try {
      await Promise.race([up, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  };

  const stop = async () => {
    await Promise.all(members.map((member) => member.kill()));
    await Promise.all(proxies.map((proxy) => proxy.close()));
  };

  try {
    await bringUp(Object.values(backends), BOOT_MS);
    await bringUp(services, BOOT_MS);
  } catch (error) {
    await stop();
    throw error;
  }

  return {
    serviceAddresses,
    backendAddresses: {
      mysqlUrl: mariadb.url(portOf.mariadb),
      natsUrl: nats.url(portOf.nats),
      redisUrl: redis.url(portOf.redis),
      stubSystemsUrl: stubSystems.url(portOf.neighbours),
      prefix: PREFIX,
    },
    backends,
    services,
    link: (index, to) => (links[index] as Record<BackendName, TcpProxy>)[to],
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
      await bringUp(members, withinMs);
    },
    stop,
  };
}

async function differentPorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    ports.add(await choosePort());
  }
  return [...ports];
}

/** How a service finds everything: through its own proxies. */
function environmentOf(
  proxies: Readonly<Record<BackendName, TcpProxy>>,
  grpcPort: number,
  httpPort: number,
): Record<string, string> {
  const urls = stubSystemUrls(stubSystems.url(proxies.neighbours.port));
  return {
    OMS_GRPC_PORT: String(grpcPort),
    OMS_HTTP_PORT: String(httpPort),
    OMS_DATABASE_PREFIX: PREFIX,
    OMS_MYSQL_URL: mariadb.url(proxies.mariadb.port),
    OMS_NATS_URL: nats.url(proxies.nats.port),
    OMS_REDIS_URL: redis.url(proxies.redis.port),
    ...systemVariables(urls),
  };
}
