import { beforeAll, expect, test } from "vitest";
import { ShadowDifferenceKind } from "../../../gen/oms/operations/v1/shadow_service_pb.ts";
import { createShadowLog } from "../../../src/store/logs/shadow-log.ts";
import { startService, useService } from "../../support/service.ts";
import { startLegacyServer } from "./legacy-server.ts";

const served = useService();
const shadow = () => served.clients("gRPC").shadow;

beforeAll(async () => {
  const log = createShadowLog({ db: served.db });
  log.count("getOrderStatus", "same");
  log.count("getOrderStatus", "different");
  log.count("getOrderSource", "failed");
  log.count("getOrderSource", "skipped");
  const call = { orderId: 171_203_044n, caller: "wms", callId: "c-1" };
  const sources = { ...call, method: "getOrderSource", orderId: 0n };
  log.recordDifference({
    ...call,
    method: "getOrderStatus",
    field: "orderStatus",
    kind: "VALUE",
    ours: "3010",
    theirs: "3020",
  });
  log.recordDifference({ ...sources, field: "result", kind: "TYPE", ours: "1", theirs: '"1"' });
  log.recordDifference({ ...sources, field: "phone", kind: "MISSING", ours: "", theirs: "*** (11 characters)" });
  log.recordDifference({ ...sources, field: "returnId", kind: "ADDED", ours: "12", theirs: "" });
  await log.close();
});

test("lists methods by name with the results of their comparisons", async () => {
  const { methods } = await shadow().listShadowMethods({});
  expect(methods).toMatchObject([
    { method: "getOrderSource", sameCount: 0n, differentCount: 0n, failedCount: 1n, skippedCount: 1n },
    { method: "getOrderStatus", sameCount: 1n, differentCount: 1n, failedCount: 0n, skippedCount: 0n },
  ]);
  expect(methods.every(({ lastTime }) => lastTime !== undefined)).toBe(true);
});

test("lists differences, newest first, in pages, by method", async () => {
  const { differences, nextPageToken } = await shadow().listShadowDifferences({});
  expect(nextPageToken).toBe("");
  expect(differences.map(({ field, kind }) => [field, kind])).toEqual([
    ["returnId", ShadowDifferenceKind.ADDED],
    ["phone", ShadowDifferenceKind.MISSING],
    ["result", ShadowDifferenceKind.TYPE],
    ["orderStatus", ShadowDifferenceKind.VALUE],
  ]);
  expect(differences[3]).toMatchObject({
    method: "getOrderStatus",
    ours: "3010",
    theirs: "3020",
    orderId: 171_203_044n,
    caller: "wms",
    callId: "c-1",
    recordTime: expect.anything(),
  });

  const first = await shadow().listShadowDifferences({ method: "getOrderSource", pageSize: 2 });
  expect(first.differences.map(({ field }) => field)).toEqual(["returnId", "phone"]);
  const second = await shadow().listShadowDifferences({
    method: "getOrderSource",
    pageSize: 2,
    pageToken: first.nextPageToken,
  });
  expect(second.differences.map(({ field }) => field)).toEqual(["result"]);
  expect(second.nextPageToken).toBe("");
  expect((await shadow().listShadowDifferences({ method: "unknown" })).differences).toEqual([]);
});

test("rejects an invalid page token", async () => {
  await expect(shadow().listShadowDifferences({ pageToken: "abc" })).rejects.toThrow("page_token");
});

test("a server with a legacy system stops its comparisons after its servers and before what they use", async () => {
  const server = await startLegacyServer();
  const { stop, log } = await startService(served.location, {}, { OMS_SHADOW_URL: `${server.url}/oms` });
  await stop();
  const stopped = log.filter(({ msg }) => msg === "stopped").map(({ component }) => component);
  const components = ["servers", "shadow", "shadow log", "legacy system", "database"];
  expect(stopped.filter((component) => components.includes(String(component)))).toEqual(components);
  expect(served.service.log.some(({ component }) => component === "shadow")).toBe(false);
});
