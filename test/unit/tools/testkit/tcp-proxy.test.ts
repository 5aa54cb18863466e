import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openTcpProxy, type TcpProxy } from "../../../../tools/testkit/tcp-proxy.ts";
import { eventually } from "../../../support/eventually.ts";

/** Replies "<message>!" to each message, and records the messages. */
let server: Server;
let messages: string[];
let proxy: TcpProxy;
const clients: Socket[] = [];

beforeEach(async () => {
  messages = [];
  server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (data) => {
      messages.push(data.toString());
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

/** A client that records what it receives and whether its connection was closed. */
async function open() {
  const client = connect(proxy.port, "127.0.0.1");
  clients.push(client);
  const seen = { received: "", closed: false, send: (text: string) => client.write(text) };
  client.on("error", () => {});
  client.on("data", (data) => {
    seen.received += data;
  });
  client.on("close", () => {
    seen.closed = true;
  });
  await once(client, "connect");
  return seen;
}

const receives = (client: { received: string }, text: string) => eventually(() => expect(client.received).toBe(text));
const closed = (client: { closed: boolean }) => eventually(() => expect(client.closed).toBe(true));
const arrived = (...expected: string[]) => eventually(() => expect(messages).toEqual(expected));

const isCommit = (message: Buffer) => message.includes("commit");

test("bytes are forwarded in both directions", async () => {
  const client = await open();
  client.send("a");
  await receives(client, "a!");
});

test("closeConnections closes open connections; new ones are forwarded", async () => {
  const client = await open();
  client.send("a");
  await receives(client, "a!");
  proxy.closeConnections();
  await closed(client);
  const next = await open();
  next.send("b");
  await receives(next, "b!");
});

test("accept mode: closed closes new connections, silent keeps them without an answer, open connections stay", async () => {
  const before = await open();
  before.send("a");
  await receives(before, "a!");
  proxy.setAcceptMode("closed");
  await closed(await open());
  proxy.setAcceptMode("silent");
  const unanswered = await open();
  unanswered.send("b");
  before.send("c");
  await receives(before, "a!c!");
  expect(messages).toEqual(["a", "c"]);
  expect([unanswered.received, unanswered.closed, proxy.rejectedConnections]).toEqual(["", false, 2]);
});

test("a lost request never delivered; the request of a lost answer is executed", async () => {
  proxy.disruptNext(isCommit, "lose-request");
  const first = await open();
  first.send("commit 1");
  await closed(first);
  expect([messages, proxy.pendingDisruptions]).toEqual([[], 0]);

  proxy.disruptNext(isCommit, "lose-answer");
  const second = await open();
  second.send("read");
  await receives(second, "read!");
  second.send("commit 2");
  await closed(second);
  await arrived("read", "commit 2");
  expect(second.received).toBe("read!");
});

test("after a lost answer the client receives nothing for silentMs, then the connection is closed", async () => {
  proxy.disruptNext(isCommit, "lose-answer", { silentMs: 1_000 });
  const client = await open();
  const began = performance.now();
  client.send("commit");
  await arrived("commit");
  expect(client.closed).toBe(false);
  await closed(client);
  // A timer may fire up to a millisecond early.
  expect(performance.now() - began).toBeGreaterThan(999);
  expect(client.received).toBe("");
});

test("disrupts as many messages as requested, and none after clearDisruptions", async () => {
  proxy.disruptNext(isCommit, "lose-request", { times: 2 });
  for (const left of [1, 0]) {
    const client = await open();
    client.send("commit");
    await closed(client);
    expect(proxy.pendingDisruptions).toBe(left);
  }
  proxy.disruptNext(isCommit, "lose-request");
  proxy.clearDisruptions();
  const client = await open();
  client.send("commit");
  await receives(client, "commit!");
});

test.for([
  { direction: "to server", delivered: [] },
  { direction: "to client", delivered: ["x"] },
] as const)(
  "blackhole $direction: both sides stay connected; at its end only connections that lost bytes are closed",
  async ({ direction, delivered }) => {
    const loser = await open();
    const idle = await open();
    proxy.blackhole([direction]);
    loser.send("x");
    await arrived(...delivered);
    // Bytes that are not dropped would arrive.
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect([messages, loser.received, loser.closed]).toEqual([delivered, "", false]);
    proxy.blackhole([]);
    await closed(loser);
    idle.send("y");
    await receives(idle, "y!");
  },
);

test("delayed bytes arrive in order, also when the delay ends meanwhile", async () => {
  const client = await open();
  proxy.setDelay(300);
  let reachedProxy = false;
  proxy.disruptNext(() => {
    reachedProxy = true;
    return false;
  }, "lose-request");
  const began = performance.now();
  client.send("1");
  await eventually(() => expect(reachedProxy).toBe(true));
  proxy.setDelay(0);
  client.send("2");
  await eventually(() => expect(messages.join("")).toBe("12"));
  expect(performance.now() - began).toBeGreaterThan(299);
  await receives(client, messages.map((message) => `${message}!`).join(""));
});

test("large messages are forwarded whole", async () => {
  const client = await open();
  const text = "x".repeat(4_000_000);
  client.send(text);
  await eventually(() => expect(messages.join("").length).toBe(text.length));
  await eventually(() => expect(client.received.replaceAll("!", "").length).toBe(text.length));
});
