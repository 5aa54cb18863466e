import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createConnection } from "mysql2/promise";
import { connect } from "nats";
import { afterEach, beforeEach, describe, expect, inject, it } from "vitest";
import { brokerOptions } from "../../../src/messaging/nats/broker.ts";
import {
  findStack,
  type Stack,
  StackError,
  type StackOptions,
  startStack,
  startStubSystems,
} from "../../../tools/devstack/index.ts";
import { identify, isAlive } from "../../../tools/devstack/process-id.ts";
import { readState } from "../../../tools/devstack/state.ts";
import { eventually } from "../../support/eventually.ts";

const ALL = { mysql: true, redis: true, nats: true };
const REDIS = { mysql: false, redis: true, nats: false };

let dataDir: string;
let messages: string[];
let running: (Stack | ChildProcess)[];

beforeEach(() => {
  dataDir = join(mkdtempSync(join(inject("folder"), "stack-")), "data");
  messages = [];
  running = [];
});

afterEach(async () => {
  for (const one of running) {
    if ("stop" in one) {
      await one.stop();
    } else if (one.exitCode === null && one.signalCode === null) {
      one.kill("SIGKILL");
      await once(one, "exit");
    }
  }
  rmSync(join(dataDir, ".."), { recursive: true, force: true });
});

async function start(need: StackOptions["need"], dir = dataDir): Promise<Stack> {
  const stack = await startStack({ dataDir: dir, need, onProgress: (line) => messages.push(line) });
  running.push(stack);
  return stack;
}

/** Starts servers in another process; resolves when they are running, or the process has ended. */
async function startProcess(...names: string[]): Promise<{ child: ChildProcess; out: string; err: string }> {
  const child = spawn(process.execPath, [fileURLToPath(new URL("./run-stack.ts", import.meta.url)), dataDir, ...names]);
  running.push(child);
  const started = { child, out: "", err: "" };
  child.stdout.on("data", (bytes) => {
    started.out += bytes;
  });
  child.stderr.on("data", (bytes) => {
    started.err += bytes;
  });
  await Promise.race([once(child.stdout, "data"), once(child, "close")]);
  return started;
}

/** The processes of the running servers, from the state file. */
function processes() {
  return Object.values(readState(dataDir).servers).flatMap((server) => server?.process ?? []);
}

describe("the embedded servers", () => {
  it("keep ports and data across restarts, which are fast", async () => {
    const first = await start(ALL);
    const mysql = await createConnection(first.mysqlUrl ?? "");
    await mysql.query("create database kept");
    mysql.destroy();
    const broker = await connect(brokerOptions({ url: first.natsUrl ?? "" }));
    await (await broker.jetstreamManager()).streams.add({ name: "KEPT", subjects: ["kept.>"] });
    await broker.close();
    expect(findStack(dataDir)).toEqual({ ...urlsOf(first), stubSystemsUrl: undefined });
    const beforeStop = performance.now();
    const children = processes();
    await first.stop();
    expect(performance.now() - beforeStop).toBeLessThan(8_000);
    expect(children.filter(isAlive)).toEqual([]);
    expect(Object.values(findStack(dataDir)).filter((url) => url !== undefined)).toEqual([]);

    const beforeStart = performance.now();
    const second = await start(ALL);
    expect(performance.now() - beforeStart).toBeLessThan(20_000);
    expect(urlsOf(second)).toEqual(urlsOf(first));
    const again = await createConnection(second.mysqlUrl ?? "");
    const [rows] = await again.query("show databases like 'kept'");
    expect(rows).toHaveLength(1);
    const [[settings]] = (await again.query(
      "select @@innodb_flush_log_at_trx_commit as flush, @@innodb_doublewrite as doublewrite, @@log_bin as binlog",
    )) as unknown as [[unknown]];
    expect(settings).toEqual({ flush: 1, doublewrite: 1, binlog: 0 });
    again.destroy();
    const brokerAgain = await connect(brokerOptions({ url: second.natsUrl ?? "" }));
    expect(await (await brokerAgain.jetstreamManager()).streams.names().next()).toEqual(["KEPT"]);
    await brokerAgain.close();
  });

  it("need no data directory if none is started", async () => {
    const stack = await start({ mysql: false, redis: false, nats: false }, "/nowhere/at/all");
    expect(urlsOf(stack)).toEqual({ mysqlUrl: undefined, redisUrl: undefined, natsUrl: undefined });
  });

  it("use another port if theirs is taken", async () => {
    const first = await start(REDIS);
    await first.stop();
    const port = Number(new URL(first.redisUrl ?? "").port);
    const other = createServer().listen(port, "127.0.0.1");
    await once(other, "listening");
    const second = await start(REDIS);
    other.close();
    expect(second.redisUrl).toBeDefined();
    expect(second.redisUrl).not.toBe(first.redisUrl);
  });

  it("are restarted when they end", async () => {
    await start(REDIS);
    const [before] = processes();
    process.kill(before?.pid ?? 0, "SIGKILL");
    await eventually(() => expect(messages).toContain("Redis is running again."));
    expect(messages[0]).toBe("Redis ended unexpectedly (SIGKILL); restarting it …");
    const [after] = processes();
    expect(after?.pid).not.toBe(before?.pid);
    expect(after !== undefined && isAlive(after)).toBe(true);
  });

  it("belong to one process; the error of a second one names it", async () => {
    const first = await startProcess("redis");
    await expect(start(REDIS)).rejects.toThrow(
      `The data directory ${dataDir} is in use by process ${first.child.pid} since `,
    );
    first.child.kill("SIGTERM");
    await once(first.child, "exit");
    await start(REDIS);
  });

  it("end when their process is stopped", async () => {
    const { child } = await startProcess("mysql", "redis", "nats");
    const children = processes();
    expect(children.filter(isAlive)).toHaveLength(3);
    child.kill("SIGTERM");
    expect(await once(child, "exit")).toEqual([0, null]);
    expect(children.filter(isAlive)).toEqual([]);
  });

  it("end when their process is killed, and can be started again", async () => {
    const { child, out } = await startProcess("mysql", "redis", "nats");
    const children = processes();
    child.kill("SIGKILL");
    await once(child, "exit");
    await eventually(() => expect(children.filter(isAlive)).toEqual([]));
    expect(JSON.parse(out)).toMatchObject(urlsOf(await start(ALL)));
  });

  it("are stopped if left behind by an earlier run", async () => {
    const leftover = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000); console.log('up')"]);
    running.push(leftover);
    await once(leftover.stdout, "data");
    await (await start(REDIS)).stop();
    const file = join(dataDir, "stack.json");
    const state = readState(dataDir);
    const redis = { ...state.servers.redis, process: identify(leftover.pid ?? 0) };
    writeFileSync(file, JSON.stringify({ ...state, servers: { redis } }));
    await start(REDIS);
    expect(messages).toContain(`Stopping redis (process ${leftover.pid}), left over from a killed run …`);
    expect(leftover.signalCode).toBe("SIGTERM");
  });

  it("share their data directory with the stub systems of the same process", async () => {
    const stack = await start(REDIS);
    const stubSystems = await startStubSystems({ dataDir, onProgress: (line) => messages.push(line) });
    expect(findStack(dataDir).stubSystemsUrl).toBe(stubSystems.url);
    expect((await fetch(stubSystems.url)).status).toBe(200);
    await stack.stop();
    await expect(startProcess("redis")).resolves.toMatchObject({
      err: expect.stringContaining(`process ${process.pid} since`),
    });
    await stubSystems.stop();
    expect((await startProcess("redis")).out).not.toBe("");
  });
});

describe("startup errors", () => {
  it("a damaged data directory of MariaDB", async () => {
    await (await start({ ...ALL, nats: false, redis: false })).stop();
    truncateSync(join(dataDir, "mariadb", "ibdata1"), 1024 * 1024);
    const error = await start(ALL).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StackError);
    expect(String(error)).toContain(`its data directory ${join(dataDir, "mariadb")} is damaged`);
    expect(String(error)).toContain("or remove it (all its orders are lost) and start again");
    expect(String(error)).toContain(join(dataDir, "log", "mariadb.log"));
    expect(processes(), "the other servers are stopped").toEqual([]);
  });

  it("a damaged data directory of Redis, and of NATS", async () => {
    await (await start({ ...ALL, mysql: false })).stop();
    writeFileSync(join(dataDir, "redis", "appendonlydir", "appendonly.aof.manifest"), "garbled");
    await expect(start(REDIS)).rejects.toThrow(/redis is damaged.\nRestore that folder .* \(no orders are lost/s);
    rmSync(join(dataDir, "nats"), { recursive: true });
    writeFileSync(join(dataDir, "nats"), "");
    await expect(start({ ...REDIS, redis: false, nats: true })).rejects.toThrow("is not a folder");
  });

  it("a folder without write permission", async () => {
    const folder = process.platform === "linux" ? "/sys" : "/System";
    await expect(start(REDIS, `${folder}/oms-data`)).rejects.toThrow(
      `No permission to write to ${folder}/oms-data.\nChange the owner of that folder, or set OMS_DATA_DIR`,
    );
  });

  it("a file in place of the folder", async () => {
    writeFileSync(dataDir, "");
    await expect(start(REDIS)).rejects.toThrow(`${dataDir} is not a folder, or is below a file`);
  });
});

function urlsOf({ mysqlUrl, redisUrl, natsUrl }: Stack) {
  return { mysqlUrl, redisUrl, natsUrl };
}
