import { setTimeout as sleep } from "node:timers/promises";
import type { Connection, RowDataPacket } from "mysql2/promise";

/** A server that has only so many pages to write is at rest. */
const FEW_PAGES = 500;
const LOOK_AGAIN_MS = 200;
const PATIENCE_MS = 60_000;

/** As much as the disk takes, in pages a second: by default it writes slowly, beside its work. */
const AS_FAST_AS_IT_CAN = 20_000;

/** Waits until the database has written what a filling left in its memory, so that what is measured then does not wait for that. */
export async function waitForPageWrites(database: Connection): Promise<void> {
  const [[usual]] = await database.query<RowDataPacket[]>(
    "select @@innodb_max_dirty_pages_pct as percent, @@innodb_io_capacity as capacity, @@innodb_io_capacity_max as most",
  );
  await setPace(database, 0, AS_FAST_AS_IT_CAN, AS_FAST_AS_IT_CAN);
  const until = performance.now() + PATIENCE_MS;
  while ((await pagesToWrite(database)) > FEW_PAGES && performance.now() < until) {
    await sleep(LOOK_AGAIN_MS);
  }
  await setPace(database, Number(usual?.percent), Number(usual?.most), Number(usual?.capacity));
}

async function setPace(database: Connection, dirtyPercent: number, most: number, capacity: number): Promise<void> {
  await database.query("set global innodb_max_dirty_pages_pct = ?", [dirtyPercent]);
  await database.query("set global innodb_io_capacity_max = ?", [most]);
  await database.query("set global innodb_io_capacity = ?", [capacity]);
}

async function pagesToWrite(database: Connection): Promise<number> {
  const [[row]] = await database.query<RowDataPacket[]>("show global status like 'Innodb_buffer_pool_pages_dirty'");
  return Number(row?.Value);
}
