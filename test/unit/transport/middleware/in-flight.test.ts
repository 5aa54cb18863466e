import { create, type Message } from "@bufbuild/protobuf";
import { EmptySchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import type { Call, Handler, Rpc } from "../../../../src/transport/call.ts";
import { trackInFlight } from "../../../../src/transport/middleware/in-flight.ts";

const MESSAGE = create(EmptySchema);
const UNARY = { streaming: false } as Rpc;
const STREAMING = { streaming: true } as Rpc;
const callOf = (signal = new AbortController().signal) => ({ signal }) as Call;

/** A stream of one message that then waits for its signal, and ends with its reason. */
const untilAborted: Handler = async function* (_request, { signal }) {
  signal.throwIfAborted();
  yield MESSAGE;
  signal.throwIfAborted();
  await new Promise((resolve) => signal.addEventListener("abort", resolve));
  throw signal.reason;
};

test("counts unary calls, and resolves when they have ended", async () => {
  const { interceptor, unaryCount, unaryIdle, idle } = trackInFlight();
  const responses = [Promise.withResolvers<Message>(), Promise.withResolvers<Message>()] as const;
  const handlers = responses.map(({ promise }) => interceptor(() => promise, UNARY));
  const calls = handlers.map((handle) => handle(MESSAGE, callOf()) as Promise<Message>);
  expect(unaryCount()).toBe(2);
  const idleState = { unary: false };
  const unary = unaryIdle().then(() => {
    idleState.unary = true;
  });
  responses[0].resolve(MESSAGE);
  await calls[0];
  expect([unaryCount(), idleState.unary]).toEqual([1, false]);
  responses[1].reject(new Error("failed"));
  await expect(calls[1]).rejects.toThrow("failed");
  await Promise.all([unary, idle()]);
  expect(unaryCount()).toBe(0);
});

test("ends streams with a reason, later ones at once", async () => {
  const { interceptor, endStreams, idle } = trackInFlight();
  const open = () => interceptor(untilAborted, STREAMING)(MESSAGE, callOf()) as AsyncGenerator<Message>;
  const stream = open();
  expect((await stream.next()).value).toBe(MESSAGE);
  endStreams(new Error("shutting down"));
  await expect(stream.next()).rejects.toThrow("shutting down");
  await expect(open().next()).rejects.toThrow("shutting down");
  await idle();
});

test("a disconnected client ends its stream although no further message is requested", async () => {
  const { interceptor, idle } = trackInFlight();
  const client = new AbortController();
  const stream = interceptor(untilAborted, STREAMING)(MESSAGE, callOf(client.signal)) as AsyncGenerator<Message>;
  await stream.next();
  client.abort();
  await idle();
});
