import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { afterAll, beforeAll, inject } from "vitest";
import { SYSTEM_NAMES, type SystemPath, type SystemUrls } from "../../src/integrations/systems.ts";
import type { Child } from "../../tools/devstack/child.ts";
import { mariadb } from "../../tools/devstack/mariadb.ts";
import { nats } from "../../tools/devstack/nats.ts";
import { choosePort } from "../../tools/devstack/ports.ts";
import { redis } from "../../tools/devstack/redis.ts";
import { runServer, type ServerKind } from "../../tools/devstack/server.ts";
import type { Rule } from "../../tools/devstack/stub-systems/behaviour.ts";
import { stubSystems, stubSystemUrls } from "../../tools/devstack/stub-systems/index.ts";
import type { Received, Totals } from "../../tools/devstack/stub-systems/received.ts";
import type { StockSums } from "../../tools/devstack/stub-systems/stock.ts";
import { copyMariadbTemplate } from "./mariadb-template.ts";

/**
 * Databases of this test file alone on the MariaDB that the run shares. They are dropped after the
 * file's last test; making them is the test's own business (migrate).
 *
 * @returns url: where the server is; prefix: what to put before the names of the databases
 */
export function useMariadb(): { readonly url: string; readonly prefix: string } {
  const url = inject("mariadbUrl");
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

/** A server of this test file alone. */
export interface OwnServer {
  /** Where it is; the same after a restart. Known once the file's tests begin. */
  readonly url: string;
  readonly port: number;
  /** Its process id now. */
  readonly pid: number;
  /**
   * Ends it (SIGKILL unless told) and waits until it is gone. Nothing happens when it is down
   * already.
   */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /**
   * Starts it again on the same port with the data it has; ends it first (SIGKILL) when it is up.
   */
  restart(): Promise<void>;
  /** Kills it, throws its whole data directory away and starts it again on the same port. */
  wipe(): Promise<void>;
}

/** A server of any kind, of this test file alone. */
export function useOwnServer(
  kind: ServerKind,
  fill: (program: string, dir: string) => Promise<void> = async () => {},
): OwnServer {
  const program = inject("programs")[kind.program] ?? process.execPath;
  let folder = "";
  let port = 0;
  let child: Child | undefined;
  const dir = () => join(folder, "data");
  const start = async () => {
    child = await runServer(kind, { dir: dir(), port, durable: false, program, logFile: join(folder, "server.log") });
  };
  const kill = async (signal: NodeJS.Signals = "SIGKILL") => {
    if (child?.running()) {
      await child.kill(signal);
    }
  };
  const up = <T>(value: T): T => {
    if (child === undefined) {
      throw new Error(`${kind.title} starts before the file's first test: ask it within a test or a hook`);
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
      return up(kind.url(port));
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

/** A NATS with JetStream of this test file alone. */
export function useNats(): OwnServer {
  return useOwnServer(nats);
}

/** A Redis with an append-only file, of this test file alone. */
export function useRedis(): OwnServer {
  return useOwnServer(redis);
}

/**
 * A MariaDB of this test file alone, for tests that kill it; all others share one (`useMariadb`).
 */
export function useOwnMariadb(kind = mariadb): OwnServer {
  return useOwnServer(kind, copyMariadbTemplate);
}

/** The neighbours of this test file alone. */
export interface OwnStubSystems extends OwnServer {
  readonly urls: SystemUrls;
  /** Tells them how to behave. */
  control(rule: Rule): Promise<void>;
  /** What came in: sums by path, and the entries that fit, the latest first. */
  received(query?: { system?: string; key?: string; orderId?: string; limit?: number }): Promise<{
    totals: Partial<Record<SystemPath, Totals>>;
    received: Received[];
  }>;
  /** What became of the stock. */
  stock(): Promise<StockSums>;
  /** Forgets what came in, and behaves again. */
  reset(): Promise<void>;
}

/** E-invoice mail, finance, customer messages, ERP and WMS for this test file alone. */
export function useStubSystems(): OwnStubSystems {
  const server = useOwnServer(stubSystems);
  const ask = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${server.url}${path}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) {
      throw new Error(`the neighbours answered ${response.status}: ${text}`);
    }
    return JSON.parse(text);
  };
  const control = async (rule: Rule) => {
    await ask("POST", "/control", rule);
  };
  return Object.defineProperties(server as OwnStubSystems, {
    urls: { get: () => stubSystemUrls(server.url) },
    control: { value: control },
    received: {
      value: (query: Record<string, string | number> = {}) => {
        const text = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
        return ask("GET", `/received?${text.join("&")}`);
      },
    },
    stock: { value: () => ask("GET", "/stock") },
    reset: {
      value: async () => {
        await ask("DELETE", "/received");
        await Promise.all(SYSTEM_NAMES.map((system) => control({ system, mode: "ok" })));
      },
    },
  });
}
