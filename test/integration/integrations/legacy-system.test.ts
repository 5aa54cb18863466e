import { expect, onTestFinished, test } from "vitest";
import { createLegacySystem } from "../../../src/integrations/legacy-system.ts";
import { type LegacyServer, startLegacyServer } from "../shadow/legacy-server.ts";

function open(server: LegacyServer, { base = "", timeoutMs = 5_000 } = {}) {
  const legacySystem = createLegacySystem({ url: `${server.url}${base}`, timeoutMs });
  onTestFinished(() => legacySystem.close());
  return legacySystem;
}

const PATH = "/services/orderStatus/getOrderStatus";

test("parameters are sent in the query, below the path of the base URL, as UTF-8", async () => {
  const server = await startLegacyServer();
  server.respondWith([200, "已付款"]);
  const given = new Map([
    ["orderId", "171203044"],
    ["remark", "a b+c&d=王\ud800"],
  ]);
  expect(await open(server, { base: "/oms/" }).read(PATH, given)).toEqual({ status: 200, text: "已付款" });
  expect(server.requests).toEqual([
    {
      method: "GET",
      url: `/oms${PATH}?orderId=171203044&remark=a%20b%2Bc%26d%3D%E7%8E%8B%EF%BF%BD`,
      body: "",
      contentType: undefined,
    },
  ]);
});

test("without parameters there is no query", async () => {
  const server = await startLegacyServer();
  await open(server).read("/services/orderStatus/getOrderSource", new Map());
  expect(server.requests.map(({ url }) => url)).toEqual(["/services/orderStatus/getOrderSource"]);
});

test("long parameters are sent as a form", async () => {
  const server = await startLegacyServer();
  const legacySystem = open(server);
  await legacySystem.read(PATH, new Map([["ids", "1".repeat(1_996)]]));
  await legacySystem.read(PATH, new Map([["ids", "1".repeat(1_997)]]));
  expect(server.requests.map(({ method, url, contentType }) => [method, url.length, contentType])).toEqual([
    ["GET", PATH.length + 2_001, undefined],
    ["POST", PATH.length, "application/x-www-form-urlencoded"],
  ]);
  expect(server.requests[1]?.body).toBe(`ids=${"1".repeat(1_997)}`);
});

test("every status is a response, a redirect too", async () => {
  const server = await startLegacyServer();
  const legacySystem = open(server);
  for (const status of [204, 302, 404, 500]) {
    server.respondWith([status, status === 204 ? "" : "text"]);
    expect(await legacySystem.read(PATH, new Map())).toEqual({ status, text: status === 204 ? "" : "text" });
  }
});

test("a response of 1 MiB is accepted, a longer one fails", async () => {
  const server = await startLegacyServer();
  const legacySystem = open(server);
  server.respondWith([200, "x".repeat(1_048_576)]);
  expect((await legacySystem.read(PATH, new Map())).text).toHaveLength(1_048_576);
  server.respondWith([200, "x".repeat(1_048_577)]);
  await expect(legacySystem.read(PATH, new Map())).rejects.toThrow("the response is longer than 1048576 bytes");
  server.respondWith([200, "again"]);
  expect((await legacySystem.read(PATH, new Map())).text).toBe("again");
});

test("a response that does not start or does not end in time fails", async () => {
  const server = await startLegacyServer();
  const legacySystem = open(server, { timeoutMs: 100 });
  server.respondWith(() => {});
  await expect(legacySystem.read(PATH, new Map())).rejects.toThrow("no answer within 100 ms");
  server.respondWith((response) => void response.write("half of it"));
  await expect(legacySystem.read(PATH, new Map())).rejects.toThrow("no answer within 100 ms");
});

test("a read is aborted by its signal, before and during the request", async () => {
  const server = await startLegacyServer();
  const legacySystem = open(server);
  const stop = new AbortController();
  server.respondWith(() => stop.abort(new Error("enough")));
  await expect(legacySystem.read(PATH, new Map(), stop.signal)).rejects.toThrow("enough");
  await expect(legacySystem.read(PATH, new Map(), stop.signal)).rejects.toThrow("enough");
  expect(server.requests).toHaveLength(1);
});

test("a refused and a cut connection fail", async () => {
  const server = await startLegacyServer();
  const legacySystem = open(server);
  server.respondWith((response) => void response.destroy());
  await expect(legacySystem.read(PATH, new Map())).rejects.toThrow();
  await server.stop();
  await expect(legacySystem.read(PATH, new Map())).rejects.toMatchObject({ code: "ECONNREFUSED" });
});
