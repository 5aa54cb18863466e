import { expect, onTestFinished, test } from "vitest";
import { createLegacySystem } from "../../../src/integrations/legacy-system.ts";
import { type LegacyServer, startLegacyServer } from "../shadow/legacy-server.ts";

function open(server: LegacyServer, { base = "", timeoutMs = 5_000 } = {}) {
  const oldSystem = createLegacySystem({ url: `${server.url}${base}`, timeoutMs });
  onTestFinished(() => oldSystem.close());
  return oldSystem;
}

const PATH = "/services/orderStatus/getOrderStatus";

test("parameters go in the query, below the base's path, as UTF-8", async () => {
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

test("no parameters, no question mark", async () => {
  const server = await startLegacyServer();
  await open(server).read("/services/orderStatus/getOrderSource", new Map());
  expect(server.requests.map(({ url }) => url)).toEqual(["/services/orderStatus/getOrderSource"]);
});

test("what is too long for a query goes as a form", async () => {
  const server = await startLegacyServer();
  const oldSystem = open(server);
  await oldSystem.read(PATH, new Map([["ids", "1".repeat(1_996)]]));
  await oldSystem.read(PATH, new Map([["ids", "1".repeat(1_997)]]));
  expect(server.requests.map(({ method, url, contentType }) => [method, url.length, contentType])).toEqual([
    ["GET", PATH.length + 2_001, undefined],
    ["POST", PATH.length, "application/x-www-form-urlencoded"],
  ]);
  expect(server.requests[1]?.body).toBe(`ids=${"1".repeat(1_997)}`);
});

test("whatever status is an answer, a redirect too", async () => {
  const server = await startLegacyServer();
  const oldSystem = open(server);
  for (const status of [204, 302, 404, 500]) {
    server.respondWith([status, status === 204 ? "" : "text"]);
    expect(await oldSystem.read(PATH, new Map())).toEqual({ status, text: status === 204 ? "" : "text" });
  }
});

test("an answer of 1 MiB is one, a longer one is a failure", async () => {
  const server = await startLegacyServer();
  const oldSystem = open(server);
  server.respondWith([200, "x".repeat(1_048_576)]);
  expect((await oldSystem.read(PATH, new Map())).text).toHaveLength(1_048_576);
  server.respondWith([200, "x".repeat(1_048_577)]);
  await expect(oldSystem.read(PATH, new Map())).rejects.toThrow("its answer is longer than 1048576 bytes");
  server.respondWith([200, "again"]);
  expect((await oldSystem.read(PATH, new Map())).text).toBe("again");
});

test("no answer in time is a failure: none at all, and one that comes to a halt", async () => {
  const server = await startLegacyServer();
  const oldSystem = open(server, { timeoutMs: 100 });
  server.respondWith(() => {});
  await expect(oldSystem.read(PATH, new Map())).rejects.toThrow("no answer within 100 ms");
  server.respondWith((response) => void response.write("half of it"));
  await expect(oldSystem.read(PATH, new Map())).rejects.toThrow("no answer within 100 ms");
});

test("a read is called off by its signal: before, and under way", async () => {
  const server = await startLegacyServer();
  const oldSystem = open(server);
  const stop = new AbortController();
  server.respondWith(() => stop.abort(new Error("enough")));
  await expect(oldSystem.read(PATH, new Map(), stop.signal)).rejects.toThrow("enough");
  await expect(oldSystem.read(PATH, new Map(), stop.signal)).rejects.toThrow("enough");
  expect(server.requests).toHaveLength(1);
});

test("nobody there, and a connection that is cut", async () => {
  const server = await startLegacyServer();
  const oldSystem = open(server);
  server.respondWith((response) => void response.destroy());
  await expect(oldSystem.read(PATH, new Map())).rejects.toThrow();
  await server.stop();
  await expect(oldSystem.read(PATH, new Map())).rejects.toMatchObject({ code: "ECONNREFUSED" });
});
