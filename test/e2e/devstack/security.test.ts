import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Redis } from "ioredis";
import { createConnection } from "mysql2/promise";
import { connect } from "nats";
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from "vitest";
import { brokerOptions } from "../../../src/messaging/nats/broker.ts";
import { findStack, type Stack, startStack } from "../../../tools/devstack/index.ts";
import { oms } from "../cli/oms.ts";

const PASSWORDS_FILE = "passwords.json";
/** A user without any files. */
const UNPRIVILEGED = 65_534;

let parent: string;
let dataDir: string;
let stack: Stack;

const need = { mysql: true, redis: true, nats: true };
const start = (dir: string) => startStack({ dataDir: dir, need, onProgress: () => {} });
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);
const portOf = (url: string | undefined) => Number(new URL(url ?? "").port);

beforeAll(async () => {
  parent = mkdtempSync(join(inject("folder"), "stack-security-"));
  // Others may enter it, so that only the data directory itself protects what is in it.
  chmodSync(parent, 0o755);
  dataDir = join(parent, "data");
  stack = await start(dataDir);
});
afterAll(async () => {
  await stack?.stop();
  rmSync(parent, { recursive: true, force: true });
});

describe("files", () => {
  it("are in folders that only their owner can enter", () => {
    expect(modeOf(dataDir)).toBe("700");
    const folders = readdirSync(dataDir, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(folders.map(({ name }) => name).toSorted()).toEqual(
      ["log", "mariadb", "mariadb-files", "mariadb-tmp", "nats", "redis"].toSorted(),
    );
    for (const { name } of folders) {
      expect([name, modeOf(join(dataDir, name))]).toEqual([name, "700"]);
    }
  });

  it("with passwords can be read by their owner only", () => {
    const { mariadb, redis, nats } = JSON.parse(readFileSync(join(dataDir, PASSWORDS_FILE), "utf8"));
    const passwords = [...Object.values<string>(mariadb), redis.default, nats.oms];
    expect(new Set(passwords).size).toBe(6);
    const withPasswords = readdirSync(dataDir, { recursive: true, encoding: "utf8" })
      .map((name) => join(dataDir, name))
      .filter((path) => statSync(path).isFile())
      .filter((path) => passwords.some((password) => readFileSync(path).includes(password)));
    expect(withPasswords.toSorted()).toEqual(
      [PASSWORDS_FILE, "mariadb/accounts.sql", "nats/nats.conf", "redis/redis.conf"]
        .map((name) => join(dataDir, name))
        .toSorted(),
    );
    for (const path of withPasswords) {
      expect([path, modeOf(path)]).toEqual([path, "600"]);
    }
  });

  it("no password is in the arguments or the environment of a process", () => {
    const { mariadb, redis, nats } = JSON.parse(readFileSync(join(dataDir, PASSWORDS_FILE), "utf8"));
    const { stdout } = spawnSync("ps", ["axeww", "-o", "args"], { encoding: "utf8" });
    expect(stdout).toContain("mariadbd");
    for (const password of [...Object.values<string>(mariadb), redis.default, nats.oms]) {
      expect(stdout).not.toContain(password);
    }
  });

  it.skipIf(process.getuid?.() !== 0)("cannot be read by another user", () => {
    const read = spawnSync("cat", [join(dataDir, PASSWORDS_FILE)], {
      uid: UNPRIVILEGED,
      gid: UNPRIVILEGED,
      encoding: "utf8",
    });
    expect([read.status, read.stdout]).toEqual([1, ""]);
    expect(read.stderr).toContain("Permission denied");
  });
});

describe("without its password", () => {
  it.each([["root"], [""], ["guest"], ["mysql"], ["mariadb.sys"], ["oms_service"], ["oms_retention"], ["oms_migrate"]])(
    "MariaDB rejects the user %j",
    async (user) => {
      const login = createConnection({ host: "127.0.0.1", port: portOf(stack.mysqlUrl), user });
      await expect(login).rejects.toMatchObject({
        code: expect.stringMatching(/ACCESS_DENIED|ACCOUNT_HAS_BEEN_LOCKED/),
      });
    },
  );

  it("Redis answers no command", async () => {
    const redis = new Redis(portOf(stack.redisUrl), "127.0.0.1");
    redis.on("error", () => {});
    onTestFinished(() => redis.disconnect());
    await expect(redis.config("GET", "dir")).rejects.toThrow(/NOAUTH/);
    await expect(redis.get("oms:a")).rejects.toThrow(/NOAUTH/);
  });

  it("NATS accepts no connection", async () => {
    await expect(connect({ servers: `127.0.0.1:${portOf(stack.natsUrl)}` })).rejects.toThrow(/authorization/i);
  });
});

describe("even the administrator of MariaDB", () => {
  it("cannot read or write files outside of an empty folder", async () => {
    const connection = await createConnection(stack.mysqlUrl ?? "");
    onTestFinished(() => connection.destroy());
    const [[row]] = (await connection.query("select load_file('/etc/passwd') as text")) as unknown as [[unknown]];
    expect(row).toEqual({ text: null });
    const target = join(parent, "written-by-sql");
    await expect(connection.query("select 1 into outfile ?", [target])).rejects.toThrow(/secure-file-priv/);
    await expect(connection.query("select 1 into dumpfile ?", [target])).rejects.toThrow(/secure-file-priv/);
    expect(existsSync(target)).toBe(false);
    expect(readdirSync(join(dataDir, "mariadb-files"))).toEqual([]);
  });

  it("cannot have a client send its files", async () => {
    const connection = await createConnection(stack.mysqlUrl ?? "");
    onTestFinished(() => connection.destroy());
    const [[settings]] = (await connection.query(
      "select @@local_infile as localInfile, @@have_symlink as symlinks, @@bind_address as address",
    )) as unknown as [[unknown]];
    expect(settings).toEqual({ localInfile: 0, symlinks: "DISABLED", address: "127.0.0.1" });
  });
});

/** Takes the protection away, as before it was introduced. */
async function downgrade(dir: string, { mysqlUrl }: Stack): Promise<void> {
  const connection = await createConnection(mysqlUrl ?? "");
  await connection.query("create database kept");
  for (const host of ["localhost", "127.0.0.1", "::1"]) {
    await connection.query("create user if not exists root@? identified by ''", [host]);
    await connection.query("set password for root@? = ''", [host]);
    await connection.query("grant all on *.* to root@? with grant option", [host]);
  }
  connection.destroy();
  rmSync(join(dir, PASSWORDS_FILE));
}

describe("a data directory of an earlier version", () => {
  it("keeps its data, and gets passwords and permissions at the next start", async () => {
    const dir = join(parent, "earlier");
    const earlier = await start(dir);
    await downgrade(dir, earlier);
    await earlier.stop();
    for (const folder of [dir, join(dir, "log"), join(dir, "redis"), join(dir, "nats")]) {
      chmodSync(folder, 0o755);
    }
    writeFileSync(join(dir, "nats", "nats.conf"), "port: 1\n", { mode: 0o644 });
    chmodSync(join(dir, "nats", "nats.conf"), 0o644);

    const upgraded = await start(dir);
    onTestFinished(() => upgraded.stop());
    expect(upgraded.mysqlUrl).not.toBe(earlier.mysqlUrl);
    expect(findStack(dir).mysqlUrl).toBe(upgraded.mysqlUrl);
    const port = portOf(upgraded.mysqlUrl);
    await expect(createConnection({ host: "127.0.0.1", port, user: "root" })).rejects.toThrow(/denied/);
    const connection = await createConnection(upgraded.mysqlUrl ?? "");
    onTestFinished(() => connection.destroy());
    const [rows] = await connection.query("show databases like 'kept'");
    expect(rows).toHaveLength(1);
    const [accounts] = await connection.query("select User, Host from mysql.user where User in ('root', '')");
    expect(accounts).toEqual([{ User: "root", Host: "127.0.0.1" }]);
    expect([dir, join(dir, "log"), join(dir, "redis"), join(dir, "nats")].map(modeOf)).toEqual(Array(4).fill("700"));
    expect(modeOf(join(dir, "nats", "nats.conf"))).toBe("600");
    const broker = await connect(brokerOptions({ url: upgraded.natsUrl ?? "" }));
    await broker.close();
  });

  it("but the permissions of any other existing folder are left alone", async () => {
    const shared = join(parent, "shared");
    mkdirSync(shared);
    chmodSync(shared, 0o755);
    const redisOnly = { mysql: false, redis: true, nats: false };
    const other = await startStack({ dataDir: shared, need: redisOnly, onProgress: () => {} });
    onTestFinished(() => other.stop());
    expect(modeOf(shared)).toBe("755");
    expect([modeOf(join(shared, "redis")), modeOf(join(shared, PASSWORDS_FILE))]).toEqual(["700", "600"]);
  });
});

it("oms url prints the URLs for other clients, to the owner", async () => {
  const env = { OMS_DATA_DIR: dataDir };
  const printed = await Promise.all(["mysql", "redis", "nats"].map((server) => oms(["url", server], { env })));
  expect(printed.map(({ stdout }) => stdout)).toEqual(
    [stack.mysqlUrl, stack.redisUrl, stack.natsUrl].map((url) => `${url}\n`),
  );
  const none = await oms(["url", "nats"], { env: { OMS_DATA_DIR: join(parent, "none") } });
  expect(none).toMatchObject({ code: 3, stdout: "" });
  expect(none.stderr).toContain("Start the service with npm start, without OMS_NATS_URL.");
});

it("a damaged file of passwords is an error that names it", async () => {
  const dir = join(parent, "damaged");
  mkdirSync(dir);
  const file = join(dir, PASSWORDS_FILE);
  writeFileSync(file, "{");
  await expect(start(dir)).rejects.toThrow(`The passwords of the embedded servers in ${file} cannot be used: `);
  writeFileSync(file, JSON.stringify({ redis: { default: "' or 1" } }));
  await expect(start(dir)).rejects.toThrow(/expected redis.default to be 16 to 64 letters.*\nCorrect that file/s);
});
