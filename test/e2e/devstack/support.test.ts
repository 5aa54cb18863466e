import { createConnection } from "mysql2/promise";
import { describe, expect, it } from "vitest";
import { useMariadb, useNats, useOwnMariadb, useRedis } from "../../support/servers.ts";

describe("servers for tests", () => {
  const shared = useMariadb();
  const own = useOwnMariadb();
  const nats = useNats();
  const redis = useRedis();

  it("each file has its own databases on the shared MariaDB", async () => {
    const connection = await createConnection(shared.url);
    await connection.query(`create database ${shared.prefix}oms_db`);
    const [rows] = await connection.query(`show databases like '${shared.prefix}%'`);
    expect(rows).toHaveLength(1);
    connection.destroy();
  });

  it("MariaDB keeps committed data across a kill, and loses it when wiped", async () => {
    const databases = async () => {
      const connection = await createConnection(own.url);
      const [rows] = await connection.query("show databases like 'kept'");
      connection.destroy();
      return rows;
    };
    const connection = await createConnection(own.url);
    await connection.query("create database kept");
    connection.destroy();
    await own.restart();
    expect(await databases()).toHaveLength(1);
    await own.wipe();
    expect(await databases()).toHaveLength(0);
  });

  it("servers keep their URLs across restarts", async () => {
    for (const server of [nats, redis]) {
      const before = { url: server.url, pid: server.pid };
      await server.restart();
      expect(server.url).toBe(before.url);
      expect(server.pid).not.toBe(before.pid);
    }
  });
});
