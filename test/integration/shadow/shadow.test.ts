import type { ServerResponse } from "node:http";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { createLegacySystem, type LegacySystem } from "../../../src/integrations/legacy-system.ts";
import { createLogger } from "../../../src/observability/log.ts";
import { createMetrics } from "../../../src/observability/metrics.ts";
import { createShadowLog } from "../../../src/store/logs/shadow-log.ts";
import { createShadow, type ShadowRead } from "../../../src/transport/legacy/shadow/index.ts";
import { eventually } from "../../support/eventually.ts";
import { useStore } from "../store/fixture.ts";
import { startLegacyServer } from "./legacy-server.ts";

const { db } = useStore();
beforeEach(async () => {
  await db.deleteFrom("oms_db.oms_shadow_total").execute();
  await db.deleteFrom("oms_db.oms_shadow_difference").execute();
});

function read(more: Partial<ShadowRead> = {}): ShadowRead {
  return {
    method: "getOrderStatus",
    path: "/services/orderStatus/getOrderStatus",
    params: new Map([["orderId", "171203044"]]),
    status: 200,
    text: '{"result":1,"orderStatus":3010}',
    publicFields: new Set(["result", "orderStatus", "message"]),
    orderId: 171_203_044n,
    caller: "wms",
    callId: "c-1",
    ...more,
  };
}

type Lines = Record<string, unknown>[];

/** A shadow with its own legacy system. */
async function open({ timeoutMs = 10_000 } = {}) {
  const server = await startLegacyServer();
  const legacySystem = createLegacySystem({ url: server.url, timeoutMs });
  const lines: Lines = [];
  const log = createLogger("info", { write: (line: string) => void lines.push(JSON.parse(line)) });
  const metrics = createMetrics();
  const shadowLog = createShadowLog({ db });
  const started: string[] = [];
  const watched: Pick<LegacySystem, "read"> = {
    read(path, ...rest) {
      started.push(path);
      return legacySystem.read(path, ...rest);
    },
  };
  const shadow = createShadow({ legacySystem: watched, log, metrics, shadowLog });
  const close = async () => {
    await shadow.close();
    await shadowLog.close();
    await legacySystem.close();
  };
  onTestFinished(close);
  const results = async () => {
    const { values } = await metrics.shadowComparisons.get();
    return Object.fromEntries(
      [...Map.groupBy(values, ({ labels }) => String(labels.result))].map(([result, counts]) => [
        result,
        counts.reduce((sum, { value }) => sum + value, 0),
      ]),
    );
  };
  return { server, shadow, started, lines, metrics, close, results };
}

const differences = () => db.selectFrom("oms_db.oms_shadow_difference").selectAll().orderBy("id").execute();
const totals = () => db.selectFrom("oms_db.oms_shadow_total").selectAll().orderBy("method").execute();

test("sends the read to the legacy system; an equal answer is only counted", async () => {
  const { server, shadow, lines, results, close } = await open();
  server.respondWith([200, '{"result": 1, "orderStatus": 3010}']);
  shadow.offer(read());
  shadow.offer(read({ method: "getOrderSource", path: "/services/orderStatus/getOrderSource", params: new Map() }));
  await eventually(async () => expect(await results()).toEqual({ same: 2 }));
  expect(server.requests.map(({ url }) => url).toSorted()).toEqual([
    "/services/orderStatus/getOrderSource",
    "/services/orderStatus/getOrderStatus?orderId=171203044",
  ]);
  await close();
  expect(lines).toEqual([]);
  expect(await differences()).toEqual([]);
  expect((await totals()).map(({ method, same_count }) => [method, same_count])).toEqual([
    ["getOrderSource", 1n],
    ["getOrderStatus", 1n],
  ]);
});

test("differences are counted, logged and stored, without personal data", async () => {
  const { server, shadow, lines, metrics, results } = await open();
  server.respondWith([200, '{"result":1,"orderStatus":3020,"phone":"13800138000","buyer":{"name":"王芳"}}']);
  const before = Date.now();
  shadow.offer(read());
  await eventually(async () => expect(await differences()).toHaveLength(3));

  expect(await results()).toEqual({ different: 1 });
  expect((await metrics.shadowDifferences.get()).values.map(({ labels, value }) => [labels, value])).toEqual(
    ["orderStatus", "phone", "buyer"].map((field) => [{ method: "getOrderStatus", field }, 1]),
  );
  const call = { method: "getOrderStatus", caller: "wms" };
  const found = [
    { field: "orderStatus", kind: "VALUE", ours: "3010", theirs: "3020" },
    { field: "phone", kind: "MISSING", ours: "", theirs: "*** (11 characters)" },
    { field: "buyer", kind: "MISSING", ours: "", theirs: "{1 field}" },
  ];
  const kept = await differences();
  expect(kept).toEqual(
    found.map((difference) => ({
      id: expect.any(BigInt),
      ...call,
      ...difference,
      order_id: 171_203_044n,
      call_id: "c-1",
      record_time: expect.any(Date),
    })),
  );
  expect(Math.abs((kept[0]?.record_time.getTime() ?? 0) - before)).toBeLessThan(30_000);
  expect(lines).toMatchObject(
    found.map((difference) => ({
      level: "info",
      msg: "legacy system answers differently",
      ...call,
      ...difference,
      orderId: "171203044",
      callId: "c-1",
    })),
  );
  expect(JSON.stringify([lines, kept.map(({ ours, theirs }) => [ours, theirs])])).not.toMatch(/13800138000|王芳/);
  await eventually(async () =>
    expect(await totals()).toMatchObject([{ method: "getOrderStatus", different_count: 1n, same_count: 0n }]),
  );
});

test("the metric has at most 200 field labels", async () => {
  const { server, shadow, metrics, results } = await open();
  for (let index = 0; index < 5; index += 1) {
    const fields = Array.from({ length: 50 }, (_, field) => [`field_${index}_${field}`, 1]);
    server.respondWith([200, JSON.stringify(Object.fromEntries(fields))]);
    shadow.offer(read({ text: "{}" }));
    await eventually(async () => expect(await results()).toEqual({ different: index + 1 }));
  }
  const { values } = await metrics.shadowDifferences.get();
  expect(values).toHaveLength(201);
  expect(values.find(({ labels }) => labels.field === "(other)")?.value).toBe(50);
});

test("the log has at most 20 lines per second for differences", async () => {
  const { server, shadow, lines, results } = await open();
  const fields = (value: number) =>
    JSON.stringify(Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`f${index}`, value])));
  server.respondWith([200, fields(1)]);
  shadow.offer(read({ text: fields(2) }));
  await eventually(async () => expect(await results()).toEqual({ different: 1 }));
  expect(lines).toHaveLength(20);
});

test("a missing answer of the legacy system is counted as failed and logged", async () => {
  const { server, shadow, lines, results, close } = await open({ timeoutMs: 1_000 });
  const failures: [name: string, answer: Parameters<typeof server.respondWith>[0]][] = [
    ["a server error", [503, '{"result":1,"orderStatus":3010}']],
    ["an answer that is too long", [200, "x".repeat(1_048_577)]],
    ["a timeout", () => {}],
    ["a closed connection", (response: ServerResponse) => void response.destroy()],
  ];
  for (const [index, [, answer]] of failures.entries()) {
    server.respondWith(answer);
    shadow.offer(read());
    await eventually(async () => expect(await results()).toEqual({ failed: index + 1 }));
  }
  await server.stop();
  shadow.offer(read());
  await eventually(async () => expect(await results()).toEqual({ failed: 5 }));
  expect(lines.length).toBeGreaterThanOrEqual(3);
  expect(lines.slice(0, 3)).toMatchObject(
    ["HTTP status 503", "the response is longer than 1048576 bytes", "no answer within 1000 ms"].map((reason) => ({
      level: "warn",
      msg: "no answer of the legacy system to compare with",
      method: "getOrderStatus",
      callId: "c-1",
      reason,
    })),
  );
  await close();
  expect(await totals()).toMatchObject([{ failed_count: 5n }]);
  expect(await differences()).toEqual([]);
});

test("many failures are logged in a few lines", async () => {
  const { server, shadow, lines, results } = await open();
  await server.stop();
  for (let index = 0; index < 20; index += 1) {
    shadow.offer(read());
  }
  await eventually(async () => expect(await results()).toEqual({ failed: 20 }));
  // Three per second; a slow machine may need several seconds.
  expect(lines.length).toBeGreaterThanOrEqual(3);
  expect(lines.length).toBeLessThan(20);
});

test("the same failure on both sides is an equal answer", async () => {
  const { server, shadow, results } = await open();
  server.respondWith([500, "oops"]);
  shadow.offer(read({ status: 500, text: "oops" }));
  await eventually(async () => expect(await results()).toEqual({ same: 1 }));
  shadow.offer(read({ status: 404, text: "oops" }));
  await eventually(async () => expect(await results()).toEqual({ same: 1, failed: 1 }));
});

test("a legacy system that hangs delays no caller: 32 comparisons wait, further ones are skipped, closing aborts them", async () => {
  const { server, shadow, started, lines, results, close } = await open();
  const waiting: ServerResponse[] = [];
  server.respondWith((response) => void waiting.push(response));
  for (let index = 0; index < 32; index += 1) {
    expect(shadow.offer(read())).toBeUndefined();
  }
  // Comparisons start after the caller's turn.
  expect(started).toEqual([]);
  await eventually(() => expect(waiting).toHaveLength(32));
  shadow.offer(read());
  expect(await results()).toEqual({ skipped: 1 });

  waiting[0]?.end('{"result":1,"orderStatus":3010}');
  await eventually(async () => expect(await results()).toEqual({ skipped: 1, same: 1 }));
  // Below the limit again.
  shadow.offer(read());
  await eventually(() => expect(server.requests).toHaveLength(33));

  const began = performance.now();
  await close();
  expect(performance.now() - began).toBeLessThan(15_000);
  shadow.offer(read());
  expect(await results()).toEqual({ skipped: 34, same: 1 });
  expect(server.requests).toHaveLength(33);
  expect(lines).toEqual([]);
  expect(await totals()).toMatchObject([{ same_count: 1n, skipped_count: 33n }]);
});
