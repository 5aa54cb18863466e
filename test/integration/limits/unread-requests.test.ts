import { once } from "node:events";
import { type ClientHttp2Stream, connect, constants, type IncomingHttpHeaders } from "node:http2";
import { create, toBinary } from "@bufbuild/protobuf";
import { expect, onTestFinished, test, vi } from "vitest";
import { OrderStatusService } from "../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { createGrpcServer } from "../../../src/transport/grpc/server.ts";
import { markProven } from "../../../src/transport/guard/index.ts";
import { INITIAL_CONCURRENT_STREAMS, MAX_CONCURRENT_STREAMS } from "../../../src/transport/limits.ts";
import type { Route } from "../../../src/transport/middleware/pipeline.ts";
import { grpcMessage } from "../../../tools/testkit/raw-http2.ts";
import { eventually } from "../../support/eventually.ts";

// All requests of the test are answered before the first one ends, however slow the machine is.
vi.mock("../../../src/transport/limits.ts", async (original) => ({
  ...(await original<object>()),
  UNREAD_REQUEST_MS: 60_000,
}));

const RESOURCE_EXHAUSTED = "8";
const method = OrderStatusService.method.getOrderStatus;

/** A gRPC server whose capacity the test sets. */
async function startServer() {
  const load = { hasCapacity: true };
  const route: Route = {
    rpc: { method, streaming: false, hasSideEffects: false, maxRequestBytes: 1_024 },
    admit() {},
    authenticate() {},
    handle: async (_, { connection }) => {
      markProven(connection);
      return create(method.output);
    },
  };
  const server = createGrpcServer({
    routes: [route],
    reflection: [],
    loadShedding: { hasCapacity: () => load.hasCapacity, onRejected() {} },
  });
  onTestFinished(async () => {
    server.stopAccepting();
    server.destroy();
    await server.closed();
  });
  return { load, port: await server.listen("127.0.0.1", 0) };
}

test("a full connection stays open when all its calls are rejected unread, and as many take their place", async () => {
  const { load, port } = await startServer();
  const session = connect(`http://127.0.0.1:${port}`);
  onTestFinished(() => session.destroy());
  const ends: unknown[] = [];
  session.on("error", (error) => ends.push(error));
  session.on("goaway", (code) => ends.push(code));
  const headers = {
    ":method": "POST",
    ":path": `/${method.parent.typeName}/${method.name}`,
    "content-type": "application/grpc",
    te: "trailers",
  };
  const open = (): ClientHttp2Stream => session.request(headers, { endStream: false });
  const request = grpcMessage(toBinary(method.input, create(method.input)));
  const closed = (stream: ClientHttp2Stream) =>
    new Promise<number>((resolve) => {
      stream.on("error", () => {});
      stream.on("close", () => resolve(stream.rstCode ?? 0));
      stream.resume();
    });
  const first = open();
  first.end(request);
  const raised = once(session, "remoteSettings").then(() =>
    eventually(() => expect(maxStreams()).toBeGreaterThan(INITIAL_CONCURRENT_STREAMS)),
  );
  const maxStreams = () => session.remoteSettings.maxConcurrentStreams ?? 0;
  await Promise.all([closed(first), raised]);
  expect(maxStreams()).toBe(MAX_CONCURRENT_STREAMS);

  load.hasCapacity = false;
  const streams = Array.from({ length: MAX_CONCURRENT_STREAMS }, open);
  const statuses = await Promise.all(
    streams.map(async (stream) => {
      const [response] = (await once(stream, "response")) as [IncomingHttpHeaders];
      return response["grpc-status"];
    }),
  );
  expect(new Set(statuses)).toEqual(new Set([RESOURCE_EXHAUSTED]));
  // In one write: the end of each request makes room for another call.
  const next = streams.map((stream) => {
    stream.end(request);
    const call = open();
    call.end(request);
    return call;
  });
  const codes = await Promise.all([...streams, ...next].map(closed));
  // Node may reset a call whose predecessor it has not removed yet.
  for (const code of codes) {
    expect([constants.NGHTTP2_NO_ERROR, constants.NGHTTP2_ENHANCE_YOUR_CALM]).toContain(code);
  }
  load.hasCapacity = true;
  const last = open();
  last.end(request);
  expect(await closed(last)).toBe(constants.NGHTTP2_NO_ERROR);
  expect(ends).toEqual([]);
});
