import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { afterAll, beforeAll, inject } from "vitest";
import { SYSTEM_NAMES, type SystemPath, type SystemUrls } from "../../src/integrations/systems.ts";
import type { Child } from "../../tools/devstack/child.ts";
import { nats } from "../../tools/devstack/nats.ts";
import { choosePort } from "../../tools/devstack/ports.ts";
import { redis } from "../../tools/devstack/redis.ts";
import { runServer, type ServerKind } from "../../tools/devstack/server.ts";
import type { Rule } from "../../tools/devstack/stub-systems/behaviour.ts";
import { stubSystems, stubSystemUrls } from "../../tools/devstack/stub-systems/index.ts";
import type { Received, Totals } from "../../tools/devstack/stub-systems/received.ts";
import type { StockSums } from "../../tools/devstack/stub-systems/stock.ts";
import { databaseServer } from "./database-engine.ts";
import { copyDatabaseTemplate } from "./database-template.ts";

/**
 * Databases for the calling test file on the shared server (MariaDB, or MySQL with
 * OMS_TEST_ENGINE=mysql), dropped after its last test. Creating them (migrate) is up to the test.
 *
 * @returns url of the server, and prefix of the database names
 */
export function useMariadb(): { readonly url: string; readonly prefix: string } {
  const url = inject("databaseUrl");
  const prefix = `t${randomBytes(4).toString("hex")}_`;
  afterAll(async () => {
    const connection = await createConnection(url);
    try {
      const [rows] = await connection.query<RowDataPacket[]>(
        "select schema_name as name from information_schema.schemata where left(schema_name, ?) = ?",
        [prefix.length, prefix],
      );
      for (const { name } of rows) {
        await connection.query("drop database ??", [name]);
      }
    } finally {
      connection.destroy();
    }
  });
  return { url, prefix };
}

/** A server for one test file. */
export interface OwnServer {
  /** The same after a restart. Available in hooks and tests. */
  readonly url: string;
  readonly port: number;
  /** Its current pid. */
  readonly pid: number;
  /** Sends a signal (default SIGKILL) and waits for the end. Does nothing if it is not running. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Restarts it (SIGKILL) with the same port and data. */
  restart(): Promise<void>;
  /** Kills it, deletes its data and starts it on the same port. */
  wipe(): Promise<void>;
}

/** A server of any kind for the calling test file. */
export function useOwnServer(
  kind: ServerKind,
  fill: (program: string, dir: string) => Promise<void> = async () => {},
): OwnServer {
  const program = inject("programs")[kind.program] ?? process.execPath;
  const passwords = inject("passwords");
  let folder = "";
  let port = 0;
  let child: Child | undefined;
  const dir = () => join(folder, "data");
  const start = async () => {
    const logFile = join(folder, "server.log");
    child = await runServer(kind, { dir: dir(), port, passwords, durable: false, program, logFile });
  };
  const kill = async (signal: NodeJS.Signals = "SIGKILL") => {
    if (child?.running()) {
      await child.kill(signal);
    }
  };
  const up = <T>(value: T): T => {
    if (child === undefined) {
      throw new Error(`${kind.title} starts in beforeAll: use it in a hook or a test`);
    }
    return value;
  };
  beforeAll(async () => {
    folder = await mkdtemp(join(inject("folder"), `${kind.program}-`));
    port = await choosePort();
    await fill(program, dir());
    await start();
  });
  afterAll(async () => {
    await kill();
    await rm(folder, { recursive: true, force: true });
  });
  return {
    get url() {
      return up(kind.url(port, passwords));
    },
    get port() {
      return up(port);
    },
    get pid() {
      return up(child)?.pid as number;
    },
    kill,
    async restart() {
      await kill();
      await start();
    },
    async wipe() {
      await kill();
      await rm(dir(), { recursive: true, force: true });
      await fill(program, dir());
      await start();
    },
  };
}

/** NATS with JetStream for the calling test file. */
export function useNats(): OwnServer {
  return useOwnServer(nats);
}

/** Redis with an append-only file for the calling test file. */
export function useRedis(): OwnServer {
  return useOwnServer(redis);
}

/**
 * A database server for the calling test file, for tests that kill it; others share one
 * (`useMariadb`).
 */
export function useOwnMariadb(kind = databaseServer): OwnServer {
  return useOwnServer(kind, copyDatabaseTemplate);
}

/** Stub systems for one test file. */
export interface OwnStubSystems extends OwnServer {
  readonly urls: SystemUrls;
  /** Sets a rule. */
  control(rule: Rule): Promise<void>;
  /** Received requests: totals by path, and matching entries, the latest first. */
  received(query?: { system?: string; key?: string; orderId?: string; limit?: number }): Promise<{
    totals: Partial<Record<SystemPath, Totals>>;
    received: Received[];
  }>;
  /** Stock bookings. */
  stock(): Promise<StockSums>;
  /** Clears received requests and rules. */
  reset(): Promise<void>;
}

/** Stub systems for the calling test file. */
export function useStubSystems(): OwnStubSystems {
  const server = useOwnServer(stubSystems);
  const send = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${server.url}${path}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) {
      throw new Error(`the stub systems answered ${response.status}: ${text}`);
    }
    return JSON.parse(text);
  };
  const control = async (rule: Rule) => {
    await send("POST", "/control", rule);
  };
  return Object.defineProperties(server as OwnStubSystems, {
    urls: { get: () => stubSystemUrls(server.url) },
    control: { value: control },
    received: {
      value: (query: Record<string, string | number> = {}) => {
        const text = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
        return send("GET", `/received?${text.join("&")}`);
      },
    },
    stock: { value: () => send("GET", "/stock") },
    reset: {
      value: async () => {
        await send("DELETE", "/received");
        await Promise.all(SYSTEM_NAMES.map((system) => control({ system, mode: "ok" })));
      },
    },
  });
}
