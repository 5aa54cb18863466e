import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openTcpProxy, type TcpProxy } from "../../../tools/testkit/tcp-proxy.ts";

/** Answers each message with "<message>!"; what it got is kept. */
let server: Server;
let got: string[];
let proxy: TcpProxy;
const clients: Socket[] = [];

beforeEach(async () => {
  got = [];
  server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (data) => {
      got.push(data.toString());
      socket.write(`${data}!`);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  proxy = await openTcpProxy(() => ({ host: "127.0.0.1", port }));
});

afterEach(async () => {
  for (const client of clients.splice(0)) {
    client.destroy();
  }
  await proxy.close();
  server.close();
});

/** A client, what it heard, and whether it has seen the end. */
async function open() {
  const client = connect(proxy.port, "127.0.0.1");
  clients.push(client);
  const seen = { heard: "", ended: false, say: (text: string) => client.write(text) };
  client.on("error", () => {});
  client.on("data", (data) => {
    seen.heard += data;
  });
  client.on("close", () => {
    seen.ended = true;
  });
  await once(client, "connect");
  return seen;
}

const heard = (client: { heard: string }, text: string) => vi.waitFor(() => expect(client.heard).toBe(text));
const ended = (client: { ended: boolean }) => vi.waitFor(() => expect(client.ended).toBe(true));
const arrived = (...messages: string[]) => vi.waitFor(() => expect(got).toEqual(messages));

const isCommit = (message: Buffer) => message.includes("commit");

test("bytes go through, both ways", async () => {
  const client = await open();
  client.say("a");
  await heard(client, "a!");
});

test("a cut ends open connections; new ones go through", async () => {
  const client = await open();
  client.say("a");
  await heard(client, "a!");
  proxy.closeConnections();
  await ended(client);
  const next = await open();
  next.say("b");
  await heard(next, "b!");
});

test("a closed door ends new connections, a silent one keeps them waiting, and open ones stay", async () => {
  const before = await open();
  before.say("a");
  await heard(before, "a!");
  proxy.setAcceptMode("closed");
  await ended(await open());
  proxy.setAcceptMode("silent");
  const silent = await open();
  silent.say("b");
  before.say("c");
  await heard(before, "a!c!");
  expect(got).toEqual(["a", "c"]);
  expect([silent.heard, silent.ended, proxy.rejectedConnections]).toEqual(["", false, 2]);
});

test("a lost request never arrives; a lost answer was carried out", async () => {
  proxy.disruptNext(isCommit, "lose-request");
  const first = await open();
  first.say("commit 1");
  await ended(first);
  expect([got, proxy.pendingDisruptions]).toEqual([[], 0]);

  proxy.disruptNext(isCommit, "lose-answer");
  const second = await open();
  second.say("read");
  await heard(second, "read!");
  second.say("commit 2");
  await ended(second);
  await arrived("read", "commit 2");
  expect(second.heard).toBe("read!");
});

test("after a lost answer the client hears nothing for a while, then sees the end", async () => {
  proxy.disruptNext(isCommit, "lose-answer", { silentMs: 200 });
  const client = await open();
  const began = performance.now();
  client.say("commit");
  await arrived("commit");
  expect(client.ended).toBe(false);
  await ended(client);
  // A timer may fire up to a millisecond early.
  expect(performance.now() - began).toBeGreaterThan(199);
  expect(client.heard).toBe("");
});

test("as many accidents as were arranged, and none after disarming", async () => {
  proxy.disruptNext(isCommit, "lose-request", { times: 2 });
  for (const left of [1, 0]) {
    const client = await open();
    client.say("commit");
    await ended(client);
    expect(proxy.pendingDisruptions).toBe(left);
  }
  proxy.disruptNext(isCommit, "lose-request");
  proxy.clearDisruptions();
  const client = await open();
  client.say("commit");
  await heard(client, "commit!");
});

test.for([
  { way: "to server", arrives: [] },
  { way: "to client", arrives: ["x"] },
] as const)(
  "half-open $way: both sides believe in the connection; who lost bytes is cut at the end, nobody else",
  async ({ way, arrives }) => {
    const loser = await open();
    const idle = await open();
    proxy.blackhole([way]);
    loser.say("x");
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect([got, loser.heard, loser.ended]).toEqual([arrives, "", false]);
    proxy.blackhole([]);
    await ended(loser);
    idle.say("y");
    await heard(idle, "y!");
  },
);

test("delayed bytes arrive late, in order, also across the end of the delay, and before the connection's end", async () => {
  const client = await open();
  proxy.setDelay(150);
  const began = performance.now();
  client.say("1");
  await new Promise((resolve) => setTimeout(resolve, 20));
  proxy.setDelay(0);
  client.say("2");
  await vi.waitFor(() => expect(got.join("")).toBe("12"));
  expect(performance.now() - began).toBeGreaterThan(149);
  await heard(client, got.map((message) => `${message}!`).join(""));
});

test("much goes through whole, whoever is slow", async () => {
  const client = await open();
  const text = "x".repeat(4_000_000);
  client.say(text);
  await vi.waitFor(() => expect(got.join("").length).toBe(text.length), 10_000);
  await vi.waitFor(() => expect(client.heard.replaceAll("!", "").length).toBe(text.length), 10_000);
});
