import { acquireDataDir } from "./data-dir.ts";
import { ensurePrograms } from "./install.ts";
import { databaseUrls, mariadb } from "./mariadb.ts";
import { nats } from "./nats.ts";
import { type DatabaseUser, ensurePasswords, findPasswords } from "./passwords.ts";
import { redis } from "./redis.ts";
import type { ServerKind } from "./server.ts";
import { readState, type ServerName } from "./state.ts";
import { stubSystems } from "./stub-systems/index.ts";
import { type SupervisedServer, superviseServer } from "./supervisor.ts";

export { StackError } from "./startup-errors.ts";
export { type StubSystems, startStubSystems } from "./stub-systems/index.ts";

export interface StackOptions {
  /** Absolute path for data, logs and state of the servers. */
  readonly dataDir: string;
  /** The servers to start: those without a configured URL. */
  readonly need: { readonly mysql: boolean; readonly redis: boolean; readonly nats: boolean };
  /** The database server; an installed MariaDB by default. */
  readonly database?: DatabaseProgram | undefined;
  /** Receives progress messages and problems, one line each. */
  readonly onProgress: (line: string) => void;
}

/** Another database server than MariaDB. */
export interface DatabaseProgram {
  /** Name of its data folder. */
  readonly name: ServerName;
  /** Has the accounts of the embedded MariaDB. */
  readonly kind: ServerKind;
  /** Path of the program. */
  readonly program: string;
}

/** The running embedded servers. URLs of servers that were not started are undefined. */
export interface Stack {
  /** For the administrator. */
  readonly mysqlUrl: string | undefined;
  /** By user. Those but root have no privileges until they are granted some. */
  readonly mysqlUrls: Readonly<Record<DatabaseUser, string>> | undefined;
  readonly redisUrl: string | undefined;
  readonly natsUrl: string | undefined;
  /** Stops all servers within 8 s; those still running are killed. Idempotent. */
  stop(): Promise<void>;
}

const STOP_MS = 8_000;

interface EmbeddedServer {
  readonly name: ServerName;
  readonly need: keyof StackOptions["need"];
  readonly kind: ServerKind;
  /** Path of the program; undefined: an installed one. */
  readonly program?: string;
}

/** In the order in which they are stopped. */
const SERVERS: readonly EmbeddedServer[] = [
  { name: "nats", need: "nats", kind: nats },
  { name: "redis", need: "redis", kind: redis },
  { name: "mariadb", need: "mysql", kind: mariadb },
];

async function stopAll(servers: readonly SupervisedServer[]): Promise<void> {
  const until = Date.now() + STOP_MS;
  for (const server of servers) {
    await server.stop(Math.max(0, until - Date.now()));
  }
}

/**
 * Starts the embedded servers for development. Each is a process on a free port of 127.0.0.1, if
 * possible the same as before. They end with this process.
 *
 * @throws StackError
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { dataDir, need, onProgress, database } = options;
  const wanted = SERVERS.filter((server) => need[server.need]).map((server) =>
    server.need === "mysql" && database !== undefined ? { ...server, ...database } : server,
  );
  if (wanted.length === 0) {
    return { mysqlUrl: undefined, mysqlUrls: undefined, redisUrl: undefined, natsUrl: undefined, stop: async () => {} };
  }
  const programs = await ensurePrograms(
    wanted.flatMap((server) => (server.program === undefined ? [server.kind] : [])),
    onProgress,
  );
  const release = await acquireDataDir(dataDir, onProgress);
  const starts = await Promise.allSettled(
    wanted.map(({ name, kind, program = programs.get(kind) ?? kind.program }) =>
      superviseServer(kind, { dataDir, name, program, onProgress }),
    ),
  );
  const servers = starts.flatMap((start) => (start.status === "fulfilled" ? [start.value] : []));
  const failed = starts.find((start) => start.status === "rejected");
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= stopAll(servers).finally(release);
    return stopping;
  };
  if (failed !== undefined) {
    await stop();
    throw failed.reason;
  }
  const urlOf = (kind: ServerKind) => servers.find((server) => server.title === kind.title)?.url;
  const mysqlUrl = urlOf(database?.kind ?? mariadb);
  const passwords = ensurePasswords(dataDir);
  return {
    mysqlUrl,
    mysqlUrls: mysqlUrl === undefined ? undefined : databaseUrls(Number(new URL(mysqlUrl).port), passwords),
    redisUrl: urlOf(redis),
    natsUrl: urlOf(nats),
    stop,
  };
}

/** URLs of the running embedded servers of a data directory; undefined for those not running. */
export function findStack(
  dataDir: string,
): Readonly<Record<"mysqlUrl" | "redisUrl" | "natsUrl" | "stubSystemsUrl", string | undefined>> {
  const { servers } = readState(dataDir);
  const passwords = findPasswords(dataDir);
  const urlOf = (name: ServerName, kind: ServerKind) => {
    const { process, port = 0 } = servers[name] ?? {};
    return process === undefined || passwords === undefined ? undefined : kind.url(port, passwords);
  };
  return {
    mysqlUrl: urlOf("mariadb", mariadb),
    redisUrl: urlOf("redis", redis),
    natsUrl: urlOf("nats", nats),
    stubSystemsUrl: urlOf("stub-systems", stubSystems),
  };
}
