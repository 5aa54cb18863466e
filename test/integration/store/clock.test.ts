import { afterEach, expect, test, vi } from "vitest";
import { openDatabase } from "../../../src/store/mysql/database.ts";
import { useMariadb } from "../../support/servers.ts";

const { url, prefix } = useMariadb();
afterEach(() => {
  vi.useRealTimers();
});

test("follows the database's time, not this server's", async () => {
  const db = openDatabase({ url, prefix });
  await db.clock.sync();
  const before = Date.now();
  vi.useFakeTimers({ toFake: ["Date"], now: before + 3_600_000 });
  expect(Math.abs(db.clock.now().getTime() - before)).toBeLessThan(60_000);
  vi.setSystemTime(before - 3_600_000);
  expect(Math.abs(db.clock.now().getTime() - before)).toBeLessThan(60_000);
  await db.destroy();
});

test("is this server's time until the database is available", async () => {
  const db = openDatabase({ url: "mysql://unknown@127.0.0.1:1", prefix });
  vi.useFakeTimers({ toFake: ["Date"], now: 1_700_000_000_000 });
  expect(db.clock.now()).toEqual(new Date(1_700_000_000_000));
  await expect(db.clock.sync()).rejects.toThrow();
  await db.destroy();
});
