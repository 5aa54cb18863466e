import { beforeEach, expect, test } from "vitest";
import { lastIdBefore } from "../../../src/messaging/relay/republish.ts";
import { statusChanged } from "../../support/events.ts";
import { commit, rowsOf, useDatabase } from "./support.ts";

const database = useDatabase();
const { signal } = new AbortController();

beforeEach(() => database().deleteFrom("oms_db.oms_outbox").execute());

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second));

test("the last row before a time is found although ids are missing", async () => {
  const db = database();
  const events = Array.from({ length: 60 }, (_, index) =>
    statusChanged({ orderId: 1n, toStatus: 3010, version: index + 1, recordTime: at(index) }),
  );
  const rows = rowsOf(await commit(db, events));
  const deleted = rows.filter((_, index) => index % 7 === 3 || (index > 20 && index < 35)).map(({ id }) => id);
  await db.deleteFrom("oms_db.oms_outbox").where("id", "in", deleted).execute();
  const left = rows.filter(({ id }) => !deleted.includes(id));
  for (let second = 0; second <= 61; second += 1) {
    const expected = left.findLast(({ recordTime }) => recordTime < at(second))?.id ?? 0n;
    expect(await lastIdBefore(db, at(second), signal), `before second ${second}`).toBe(expected);
  }
});

test("an empty table has no last row", async () => {
  expect(await lastIdBefore(database(), at(0), signal)).toBe(0n);
});

test("a search ends with its signal", async () => {
  await expect(lastIdBefore(database(), at(0), AbortSignal.abort(new Error("cancelled")))).rejects.toThrow("cancelled");
});
