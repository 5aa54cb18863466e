import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { createExternalClient, type ExternalClient, type Outcome } from "../../../src/integrations/external-client.ts";
import { createLogger } from "../../../src/observability/log.ts";
import { eventually } from "../../support/eventually.ts";
import { useStubSystems } from "../../support/servers.ts";

const stubSystems = useStubSystems();

function useClient(url: string, timeoutMs = 20_000, connections = 64) {
  const logged: string[] = [];
  const log = createLogger("debug", { write: (line) => void logged.push(line) });
  const client = createExternalClient({ name: "e-invoice", url, timeoutMs, log, connections });
  onTestFinished(() => client.close());
  return { client, logged };
}

async function post(client: ExternalClient, ...request: Parameters<ExternalClient["send"]>): Promise<Outcome> {
  return (await client.send(...request)).outcome;
}

/** A server with this handler. */
async function useAnswer(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

test("a request has a JSON body and an idempotency key", async () => {
  await stubSystems.reset();
  const { client } = useClient(stubSystems.urls.einvoice);
  const body = { messageId: "7-1", orderId: "7", invoiceTitle: "发票" };
  expect(await post(client, "7-1", body)).toEqual({ kind: "done" });
  expect(await post(client, "7-1", body)).toEqual({ kind: "done" });
  const { received } = await stubSystems.received({ system: "einvoice" });
  expect(received).toMatchObject([{ key: "7-1", orderId: "7", arrivals: 2, done: true, repeats: 1, body }]);
});

test("each status has the outcome that the contract specifies", async () => {
  const url = await useAnswer((request, response) => {
    request.resume();
    response.statusCode = Number(request.headers["idempotency-key"]);
    response.end('{"reason":"because"}');
  });
  const { client } = useClient(url);
  const kinds = new Map<string, number[]>();
  for (const status of [200, 201, 204, 302, 400, 401, 403, 404, 408, 409, 422, 425, 429, 500, 502, 503, 504]) {
    const { kind } = await post(client, String(status), {});
    kinds.set(kind, [...(kinds.get(kind) ?? []), status]);
  }
  expect(Object.fromEntries(kinds)).toEqual({
    done: [200, 201, 204],
    reject: [302, 400, 401, 403, 404, 409, 422],
    retry: [408, 425, 429, 500, 502, 503, 504],
  });
  expect(await post(client, "422", {})).toEqual({ kind: "reject", reason: "e-invoice answered 422: because" });
});

test("Retry-After delays the retry, in seconds or as a date", async () => {
  const headers = ["7", new Date(Date.now() + 60_000).toUTCString(), "soon"];
  const url = await useAnswer((request, response) => {
    request.resume();
    response.writeHead(503, { "retry-after": headers[Number(request.headers["idempotency-key"])] ?? "" });
    response.end("<html>a whole page</html>");
  });
  const { client } = useClient(url);
  const reason = "e-invoice answered 503";
  expect(await post(client, "0", {})).toEqual({ kind: "retry", reason, afterMs: 7_000 });
  const { afterMs } = (await post(client, "1", {})) as { afterMs: number };
  expect(afterMs).toBeGreaterThan(50_000);
  expect(afterMs).toBeLessThanOrEqual(60_000);
  expect(await post(client, "2", {})).toEqual({ kind: "retry", reason });
});

test("without an answer a request is retried: a timeout, a cut or refused connection, an abort", async () => {
  await stubSystems.reset();
  await stubSystems.control({ system: "einvoice", mode: "hang" });
  const { client } = useClient(stubSystems.urls.einvoice, 100);
  expect(await post(client, "1-1", {})).toEqual({ kind: "retry", reason: "e-invoice: no answer within 100 ms" });

  await stubSystems.control({ system: "einvoice", mode: "lose" });
  const lost = useClient(stubSystems.urls.einvoice);
  expect(await post(lost.client, "1-2", {})).toEqual({ kind: "retry", reason: "e-invoice: other side closed" });

  const refused = useClient("http://127.0.0.1:9/");
  expect(await post(refused.client, "1-3", {})).toEqual({ kind: "retry", reason: "e-invoice: ECONNREFUSED" });

  await stubSystems.control({ system: "einvoice", mode: "hang" });
  const aborted = useClient(stubSystems.urls.einvoice);
  const abort = new AbortController();
  const called = post(aborted.client, "1-4", {}, { signal: abort.signal });
  await eventually(async () => {
    const { received } = await stubSystems.received({ key: "1-4" });
    expect(received).toHaveLength(1);
  });
  abort.abort();
  expect(await called).toMatchObject({ kind: "retry" });
});

test("an answer that never ends times out", async () => {
  const url = await useAnswer((request, response) => {
    request.resume();
    response.writeHead(200);
    response.write("x");
  });
  const { client } = useClient(url, 100);
  expect(await post(client, "1-1", {})).toMatchObject({ kind: "retry" });
});

test("connections are reused", async () => {
  const ports = new Set<number | undefined>();
  const url = await useAnswer((request, response) => {
    request.resume();
    ports.add(request.socket.remotePort);
    response.end();
  });
  const { client } = useClient(url);
  for (let call = 0; call < 10; call += 1) {
    await post(client, String(call), {});
  }
  // A connection is free a moment after its answer: a few take turns.
  expect(ports.size).toBeLessThan(10);
});

test("where all connections hang, waiting requests time out unsent", async () => {
  const seen: unknown[] = [];
  const url = await useAnswer((request) => {
    request.resume();
    seen.push(request.headers["idempotency-key"]);
  });
  const { client } = useClient(url, 2_000, 2);
  const abort = new AbortController();
  const all = Promise.all(["1-1", "1-2", "1-3"].map((key) => post(client, key, {})));
  const cancelled = post(client, "1-4", {}, { signal: abort.signal });
  await eventually(() => expect(seen.toSorted()).toEqual(["1-1", "1-2"]));
  abort.abort();
  expect(await cancelled).toMatchObject({ kind: "retry" });
  expect((await all).map(({ kind }) => kind)).toEqual(["retry", "retry", "retry"]);
  expect(seen).toHaveLength(2);
});

test("a request with an aborted signal is not sent", async () => {
  const url = await useAnswer((_request, response) => void response.end());
  const { client } = useClient(url);
  expect(await post(client, "1-1", {}, { signal: AbortSignal.abort() })).toMatchObject({ kind: "retry" });
});

test("an answer is decoded across its parts", async () => {
  const url = await useAnswer((request, response) => {
    request.resume();
    const answer = Buffer.from('{"reason":"没有库存"}');
    response.writeHead(422, { "content-length": answer.length });
    response.write(answer.subarray(0, 12));
    setTimeout(() => response.end(answer.subarray(12)), 20);
  });
  const { client } = useClient(url);
  expect(await post(client, "1-1", {})).toEqual({ kind: "reject", reason: "e-invoice answered 422: 没有库存" });
});

test("no personal data is logged", async () => {
  await stubSystems.reset();
  await stubSystems.control({ system: "einvoice", mode: "refuse" });
  const { client, logged } = useClient(stubSystems.urls.einvoice);
  await post(client, "1-1", { invoiceEmail: "someone@example.com", taxCode: "91110000" });
  expect(logged).toHaveLength(1);
  expect(logged.join()).not.toMatch(/someone@example\.com|91110000/);
});

test("a reason has no personal data of the request, and no control characters", async () => {
  const url = await useAnswer((request, response) => {
    request.resume();
    response.statusCode = 422;
    response.end('{"reason":"no mailbox\\n li@x.cn\\u202e"}');
  });
  const { client } = useClient(url);
  const reason = "e-invoice answered 422: no mailbox  *** ";
  expect(await post(client, "7-1", { invoiceEmail: "li@x.cn" })).toEqual({ kind: "reject", reason });
});
