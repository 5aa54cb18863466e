import { beforeEach, expect, onTestFinished, test } from "vitest";
import { createShadowLog, type ShadowDifference } from "../../../src/store/logs/shadow-log.ts";
import { openDatabase } from "../../../src/store/mysql/database.ts";
import { eventually } from "../../support/eventually.ts";
import { useTcpProxy } from "../../support/tcp-proxy.ts";
import { useStore } from "./fixture.ts";

const { db, url, prefix } = useStore();
const proxy = useTcpProxy(url);
beforeEach(async () => {
  proxy.setAcceptMode("open");
  await db.deleteFrom("oms_db.oms_shadow_total").execute();
  await db.deleteFrom("oms_db.oms_shadow_difference").execute();
});

function difference(more: Partial<ShadowDifference> = {}): ShadowDifference {
  return {
    method: "getOrderStatus",
    field: "orderStatus",
    kind: "VALUE",
    ours: "3010",
    theirs: "3020",
    orderId: 7n,
    caller: "wms",
    callId: "c-1",
    ...more,
  };
}

const totals = () => db.selectFrom("oms_db.oms_shadow_total").selectAll().orderBy("method").execute();
const differences = () => db.selectFrom("oms_db.oms_shadow_difference").selectAll().orderBy("id").execute();
const kept = async () => (await differences()).map(({ method, field }) => `${method} ${field}`);

test("totals are added up over servers and restarts, in the background", async () => {
  const [one, other] = [createShadowLog({ db }), createShadowLog({ db })];
  one.count("getOrderStatus", "same");
  one.count("getOrderStatus", "same");
  one.count("getOrderStatus", "different");
  other.count("getOrderStatus", "failed");
  other.count("getOrderStatus", "skipped");
  other.count("getOrderSource", "same");
  const sums = [
    { method: "getOrderSource", same_count: 1n, different_count: 0n, failed_count: 0n, skipped_count: 0n },
    { method: "getOrderStatus", same_count: 2n, different_count: 1n, failed_count: 1n, skipped_count: 1n },
  ];
  await eventually(async () => expect(await totals()).toMatchObject(sums));
  await Promise.all([one.close(), other.close()]);
  expect(await totals()).toMatchObject(sums);

  const [{ last_time: before } = { last_time: new Date(0) }] = await totals();
  const next = createShadowLog({ db });
  next.count("getOrderSource", "same");
  await next.close();
  const [after] = await totals();
  expect(after).toMatchObject({ same_count: 2n });
  expect(after?.last_time.getTime()).toBeGreaterThanOrEqual(before.getTime());
});

test("20 differences are recorded per second, 5 of them for one field of a method", async () => {
  const log = createShadowLog({ db });
  for (let index = 0; index < 10; index += 1) {
    log.recordDifference(difference({ field: "a" }));
    log.recordDifference(difference({ field: "b" }));
    log.recordDifference(difference({ method: "getOrderSource", field: "a" }));
  }
  for (let index = 0; index < 10; index += 1) {
    log.recordDifference(difference({ field: `more${index}` }));
  }
  await eventually(async () => expect(await differences()).toHaveLength(20));
  const counts = Map.groupBy(await kept(), (field) => field);
  expect([...counts].map(([field, { length }]) => [field, length])).toEqual([
    ["getOrderStatus a", 5],
    ["getOrderStatus b", 5],
    ["getOrderSource a", 5],
    ...[0, 1, 2, 3, 4].map((index) => [`getOrderStatus more${index}`, 1]),
  ]);
  log.recordDifference(difference({ field: "later" }));
  await log.close();
  expect((await kept()).at(-1)).toBe("getOrderStatus later");
});

test("a difference is truncated to the columns", async () => {
  const log = createShadowLog({ db });
  const long = `${"王".repeat(63)}😀${"x".repeat(200)}`;
  log.recordDifference(
    difference({
      method: long,
      field: long,
      ours: long,
      theirs: `${"x".repeat(127)}😀`,
      orderId: 2n ** 63n,
      caller: long,
      callId: long,
    }),
  );
  log.recordDifference(difference({ orderId: -1n }));
  log.recordDifference(difference({ orderId: 2n ** 63n - 1n }));
  await log.close();
  const [first, second, third] = await differences();
  expect(first).toMatchObject({
    method: `${"王".repeat(63)}\ufffd`,
    field: `${"王".repeat(63)}😀${"x".repeat(63)}`,
    theirs: `${"x".repeat(127)}\ufffd`,
    order_id: 0n,
    caller: `${"王".repeat(63)}\ufffd`,
  });
  expect([second?.order_id, third?.order_id]).toEqual([0n, 2n ** 63n - 1n]);
});

test("the table keeps the newest 10,000", async () => {
  const row = {
    method: "old",
    field: "f",
    kind: "VALUE",
    caller: "wms",
    call_id: "c",
    record_time: new Date("2026-03-01T08:00:00Z"),
  } as const;
  for (let batch = 0; batch < 6; batch += 1) {
    await db.insertInto("oms_db.oms_shadow_difference").values(Array(2_000).fill(row)).execute();
  }
  const oldest = (await differences())[2_001]?.id;
  const log = createShadowLog({ db });
  log.recordDifference(difference());
  await eventually(async () => expect(await differences()).toHaveLength(10_000));
  await log.close();
  const left = await differences();
  expect(left[0]?.id).toBe(oldest);
  expect(left.at(-1)).toMatchObject({ method: "getOrderStatus" });
});

test("while the database is unavailable totals are kept, and differences are dropped", async () => {
  const proxied = openDatabase({ url: proxy.url, prefix });
  onTestFinished(() => proxied.destroy());
  const log = createShadowLog({ db: proxied });
  proxy.setAcceptMode("closed");
  log.count("getOrderStatus", "same");
  log.recordDifference(difference({ field: "dropped" }));
  const before = proxy.rejectedConnections;
  // The clock connects, too: after three attempts totals and differences have both failed.
  await eventually(() => expect(proxy.rejectedConnections - before).toBeGreaterThanOrEqual(3));
  proxy.setAcceptMode("open");
  log.count("getOrderStatus", "same");
  await eventually(async () => expect(await totals()).toMatchObject([{ same_count: 2n }]));
  log.recordDifference(difference({ field: "kept" }));
  await log.close();
  expect(await kept()).toEqual(["getOrderStatus kept"]);
});

test("close does not wait for a hanging database", async () => {
  const proxied = openDatabase({ url: proxy.url, prefix });
  onTestFinished(() => {
    // It never connected.
    proxied.destroy().catch(() => {});
  });
  const log = createShadowLog({ db: proxied });
  proxy.setAcceptMode("silent");
  log.count("getOrderStatus", "same");
  const began = performance.now();
  await log.close();
  expect(performance.now() - began).toBeLessThan(15_000);
  expect(await totals()).toEqual([]);
});
