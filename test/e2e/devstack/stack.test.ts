import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createConnection } from "mysql2/promise";
import { connect } from "nats";
import { afterEach, beforeEach, describe, expect, inject, it, vi } from "vitest";
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

const ALL = { mysql: true, redis: true, nats: true };
const REDIS = { mysql: false, redis: true, nats: false };

let dataDir: string;
let said: string[];
let running: (Stack | ChildProcess)[];

beforeEach(() => {
  dataDir = join(mkdtempSync(join(inject("folder"), "stack-")), "data");
  said = [];
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
  const stack = await startStack({ dataDir: dir, need, onProgress: (line) => said.push(line) });
  running.push(stack);
  return stack;
}

/** A process of its own that holds servers; settled when they are up, or it has given up. */
async function hold(...names: string[]): Promise<{ child: ChildProcess; out: string; err: string }> {
  const child = spawn(process.execPath, [fileURLToPath(new URL("./run-stack.ts", import.meta.url)), dataDir, ...names]);
  running.push(child);
  const held = { child, out: "", err: "" };
  child.stdout.on("data", (bytes) => {
    held.out += bytes;
  });
  child.stderr.on("data", (bytes) => {
    held.err += bytes;
  });
  await Promise.race([once(child.stdout, "data"), once(child, "close")]);
  return held;
}

/** The processes of the servers that the state names. */
function processes() {
  return Object.values(readState(dataDir).servers).flatMap((server) => server?.process ?? []);
}

describe("the embedded servers", () => {
  it("keep addresses and data from one start to the next, which takes little time", async () => {
    const first = await start(ALL);
    const mysql = await createConnection(first.mysqlUrl ?? "");
    await mysql.query("create database kept");
    mysql.destroy();
    const broker = await connect({ servers: first.natsUrl ?? "" });
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
    expect(performance.now() - beforeStart).toBeLessThan(5_000);
    expect(urlsOf(second)).toEqual(urlsOf(first));
    const again = await createConnection(second.mysqlUrl ?? "");
    const [rows] = await again.query("show databases like 'kept'");
    expect(rows).toHaveLength(1);
    const [[settings]] = (await again.query(
      "select @@innodb_flush_log_at_trx_commit as flush, @@innodb_doublewrite as doublewrite, @@log_bin as binlog",
    )) as unknown as [[unknown]];
    expect(settings).toEqual({ flush: 1, doublewrite: 1, binlog: 0 });
    again.destroy();
    const brokerAgain = await connect({ servers: second.natsUrl ?? "" });
    expect(await (await brokerAgain.jetstreamManager()).streams.names().next()).toEqual(["KEPT"]);
    await brokerAgain.close();
  });

  it("are none when none is wanted, and then hold no folder", async () => {
    const stack = await start({ mysql: false, redis: false, nats: false }, "/nowhere/at/all");
    expect(urlsOf(stack)).toEqual({ mysqlUrl: undefined, redisUrl: undefined, natsUrl: undefined });
  });

  it("take another port when theirs is taken", async () => {
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

  it("come back when they end by themselves", async () => {
    await start(REDIS);
    const [before] = processes();
    process.kill(before?.pid ?? 0, "SIGKILL");
    await vi.waitFor(() => expect(said).toContain("Redis is back."), { timeout: 10_000 });
    expect(said[0]).toBe("Redis ended by itself (SIGKILL); starting it again …");
    const [after] = processes();
    expect(after?.pid).not.toBe(before?.pid);
    expect(after !== undefined && isAlive(after)).toBe(true);
  });

  it("belong to one run: a second one is told which process holds them", async () => {
    const first = await hold("redis");
    await expect(start(REDIS)).rejects.toThrow(
      `The data directory ${dataDir} is in use by another run: process ${first.child.pid}, since `,
    );
    first.child.kill("SIGTERM");
    await once(first.child, "exit");
    await start(REDIS);
  });

  it("end in order when their run is told to stop", async () => {
    const { child } = await hold("mysql", "redis", "nats");
    const children = processes();
    expect(children.filter(isAlive)).toHaveLength(3);
    child.kill("SIGTERM");
    expect(await once(child, "exit")).toEqual([0, null]);
    expect(children.filter(isAlive)).toEqual([]);
  });

  it("do not outlive a run that is killed, and start again after it", async () => {
    const { child, out } = await hold("mysql", "redis", "nats");
    const children = processes();
    child.kill("SIGKILL");
    await vi.waitFor(() => expect(children.filter(isAlive)).toEqual([]), { timeout: 10_000 });
    expect(urlsOf(await start(ALL))).toEqual(JSON.parse(out));
  });

  it("are stopped when a run before left them behind", async () => {
    const leftOver = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000); console.log('up')"]);
    running.push(leftOver);
    await once(leftOver.stdout, "data");
    await (await start(REDIS)).stop();
    const file = join(dataDir, "stack.json");
    const state = readState(dataDir);
    const redis = { ...state.servers.redis, process: identify(leftOver.pid ?? 0) };
    writeFileSync(file, JSON.stringify({ ...state, servers: { redis } }));
    await start(REDIS);
    expect(said).toContain(`Stopping redis (process ${leftOver.pid}), left behind by a run that was killed …`);
    expect(leftOver.signalCode).toBe("SIGTERM");
  });

  it("share their data directory with the neighbours of the same process", async () => {
    const stack = await start(REDIS);
    const neighbours = await startStubSystems({ dataDir, onProgress: (line) => said.push(line) });
    expect(findStack(dataDir).stubSystemsUrl).toBe(neighbours.url);
    expect((await fetch(neighbours.url)).status).toBe(200);
    await stack.stop();
    await expect(hold("redis")).resolves.toMatchObject({
      err: expect.stringContaining(`process ${process.pid}, since`),
    });
    await neighbours.stop();
    expect((await hold("redis")).out).not.toBe("");
  });
});

describe("what a person has to put right", () => {
  it("is a damaged data directory of MariaDB", async () => {
    await (await start({ ...ALL, nats: false, redis: false })).stop();
    truncateSync(join(dataDir, "mariadb", "ibdata1"), 1024 * 1024);
    const error = await start(ALL).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StackError);
    expect(String(error)).toContain(`its data directory ${join(dataDir, "mariadb")} is damaged`);
    expect(String(error)).toContain("or remove it (the orders in it are lost) and start again");
    expect(String(error)).toContain(join(dataDir, "log", "mariadb.log"));
    expect(processes(), "the others are stopped").toEqual([]);
  });

  it("is a damaged data directory of Redis, and of NATS", async () => {
    await (await start({ ...ALL, mysql: false })).stop();
    writeFileSync(join(dataDir, "redis", "appendonlydir", "appendonly.aof.manifest"), "garbled");
    await expect(start(REDIS)).rejects.toThrow(/redis is damaged.\nPut a backup .* \(nothing of the orders is lost/s);
    rmSync(join(dataDir, "nats"), { recursive: true });
    writeFileSync(join(dataDir, "nats"), "");
    await expect(start({ ...REDIS, redis: false, nats: true })).rejects.toThrow("a file where a folder is needed");
  });

  it("is a folder that may not be written", async () => {
    const folder = process.platform === "linux" ? "/sys" : "/System";
    await expect(start(REDIS, `${folder}/oms-data`)).rejects.toThrow(
      `This user may not write to ${folder}/oms-data.\nMake that folder this user's own, or set OMS_DATA_DIR`,
    );
  });

  it("is a file where the folder should be", async () => {
    writeFileSync(dataDir, "");
    await expect(start(REDIS)).rejects.toThrow(`${dataDir} is, or lies below, a file where a folder is needed`);
  });
});

function urlsOf({ mysqlUrl, redisUrl, natsUrl }: Stack) {
  return { mysqlUrl, redisUrl, natsUrl };
}
