import { afterEach, expect, onTestFinished, test } from "vitest";
import { createRequestLog, type RequestLogRow } from "../../../src/store/logs/request-log.ts";
import { openDatabase } from "../../../src/store/mysql/database.ts";
import { eventually } from "../../support/eventually.ts";
import { useTcpProxy } from "../../support/tcp-proxy.ts";
import { useStore } from "./fixture.ts";

const { db, url, prefix } = useStore();
const proxy = useTcpProxy(url);
afterEach(async () => {
  proxy.setAcceptMode("open");
  await db.deleteFrom("oms_db.oms_request_log").execute();
});

function row(callId: string, more: Partial<RequestLogRow> = {}): RequestLogRow {
  return {
    callId,
    rpc: "UpdateOrderStatus",
    legacyMethod: "updateOrderStatus",
    caller: "wms",
    operator: "li",
    authenticatedOperator: "li.wei",
    orderId: 171_388_072n,
    requestId: "r 'quoted' \\ 1",
    code: "OK",
    durationMs: 12.6,
    recordTime: new Date("2026-03-01T08:00:00.123Z"),
    traceparent: "00-aa-bb-01",
    ...more,
  };
}

const callIds = async () =>
  (await db.selectFrom("oms_db.oms_request_log").select("call_id").orderBy("id").execute()).map(
    ({ call_id }) => call_id,
  );

function open(database = db) {
  const dropped: number[] = [];
  const log = createRequestLog({ db: database, onDropped: (count) => dropped.push(count) });
  return { ...log, dropped };
}

test("rows are written in the background, complete and in order; close writes what is left", async () => {
  const log = open();
  log.write(row("call-1"));
  await eventually(async () => expect(await callIds()).toEqual(["call-1"]));
  expect(await db.selectFrom("oms_db.oms_request_log").selectAll().execute()).toEqual([
    {
      id: expect.any(BigInt),
      call_id: "call-1",
      rpc: "UpdateOrderStatus",
      old_method: "updateOrderStatus",
      caller: "wms",
      operator: "li",
      authenticated_operator: "li.wei",
      order_id: 171_388_072n,
      request_id: "r 'quoted' \\ 1",
      code: "OK",
      duration_ms: 13,
      record_time: new Date("2026-03-01T08:00:00.123Z"),
      traceparent: "00-aa-bb-01",
    },
  ]);
  const many = Array.from({ length: 1_200 }, (_, index) => `many-${index}`);
  for (const callId of many) {
    log.write(row(callId));
  }
  await log.close();
  expect(await callIds()).toEqual(["call-1", ...many]);
  expect(log.dropped).toEqual([]);
});

test("a row that the table rejects is dropped alone", async () => {
  const log = open();
  for (const callId of ["one", "x".repeat(65), "two", "three"]) {
    log.write(row(callId));
  }
  await log.close();
  expect((await callIds()).toSorted()).toEqual(["one", "three", "two"]);
  expect(log.dropped).toEqual([1]);
});

test("rows are buffered while the database is unavailable", async () => {
  const proxied = openDatabase({ url: proxy.url, prefix });
  onTestFinished(() => proxied.destroy());
  const log = open(proxied);
  proxy.setAcceptMode("closed");
  log.write(row("waits"));
  await eventually(() => expect(proxy.rejectedConnections).toBeGreaterThan(0));
  proxy.setAcceptMode("open");
  await eventually(async () => expect(await callIds()).toEqual(["waits"]));
  await log.close();
});

test("rows that cannot be written on close or exceed the buffer are dropped, and counted", async () => {
  const proxied = openDatabase({ url: proxy.url, prefix });
  onTestFinished(() => proxied.destroy());
  const log = open(proxied);
  proxy.setAcceptMode("closed");
  for (let index = 0; index < 20_002; index += 1) {
    log.write(row(`lost-${index}`));
  }
  expect(log.dropped).toEqual([1, 1]);
  await log.close();
  expect(log.dropped).toEqual([1, 1, 20_000]);
  expect(await callIds()).toEqual([]);
});
