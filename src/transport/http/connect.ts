import type { IncomingMessage, ServerResponse } from "node:http";
import { createRegistry, type Message } from "@bufbuild/protobuf";
import {
  type ConnectRouter,
  createConnectRouter,
  createContextKey,
  createContextValues,
  type HandlerContext,
} from "@connectrpc/connect";
import type { UniversalHandlerFn } from "@connectrpc/connect/protocol";
import {
  compressionBrotli,
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from "@connectrpc/connect-node";
import { CALL_ID_HEADER, createCall, NEVER_ABORTED } from "../call.ts";
import { type Peer, peerOfRequest } from "../connections/peer.ts";
import { MAX_MESSAGE_BYTES, MAX_TIMEOUT_MS } from "../limits.ts";
import type { Route } from "../middleware/pipeline.ts";
import { malformedBody } from "../middleware/validate.ts";
import { ERROR_DETAILS } from "../wire/errors.ts";
import { dropLongTimeouts } from "./long-timeouts.ts";
import { enterPipeline, withMalformedRequests } from "./malformed.ts";
import { sendJson } from "./pages.ts";
import { canUseFastPath, readUnaryRequest, sendUnaryResponse } from "./unary-fast-path.ts";

/** Answers an RPC that came over HTTP/1.1, or over HTTP/2 in the same guise. */
export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/**
 * Serves routes over Connect (JSON and binary, GET for what changes nothing) and gRPC-Web, and whatever else `add` registers.
 *
 * @returns finds the RPC at a path
 */
export function createConnectHandlers(
  routes: readonly Route[],
  add: (router: ConnectRouter) => void,
): (path: string) => HttpHandler | undefined {
  const router = createConnectRouter({
    grpc: false,
    readMaxBytes: MAX_MESSAGE_BYTES,
    maxTimeoutMs: MAX_TIMEOUT_MS,
    acceptCompression: [compressionGzip, compressionBrotli],
    // The answer to a batch holds error details, which JSON can only write when it knows their types.
    jsonOptions: { registry: createRegistry(...ERROR_DETAILS) },
  });
  for (const route of routes) {
    router.rpc(route.rpc.method, implementationOf(route) as never);
  }
  const ours = router.handlers.length;
  add(router);
  const answers = new Map(
    router.handlers.map((handler, index) => [
      handler.requestPath,
      answerWith(index < ours ? withMalformedRequests(handler) : handler, routes[index]?.rpc.streams === false),
    ]),
  );
  return (path) => answers.get(path);
}

const peerKey = createContextKey<Peer>({ address: "", certificateName: undefined });

function answerWith(handler: UniversalHandlerFn, unary: boolean): HttpHandler {
  return async (request, response) => {
    const plain = unary && canUseFastPath(request);
    const contextValues = createContextValues().set(peerKey, peerOfRequest(request));
    const sent = plain
      ? { ...(await readUnaryRequest(request)), contextValues }
      : universalRequestFromNodeRequest(request, response, undefined, contextValues);
    dropLongTimeouts(sent.header);
    const answer = await handler(sent);
    if (answer.body === undefined && answer.status >= 400) {
      refuse(request, response, answer.status);
      return;
    }
    if (request.method === "GET") {
      // An order moves on; a cache would not.
      answer.header?.set("cache-control", "no-store");
    }
    await (plain ? sendUnaryResponse : universalResponseToNodeResponse)(answer, response);
  };
}

/** The library refuses with a status alone, which tells a person little. */
function refuse({ method, headers }: IncomingMessage, response: ServerResponse, status: number): void {
  const message =
    status === 405
      ? `${method} is not for this RPC: one that changes nothing takes GET too, all others POST alone`
      : `content-type ${headers["content-type"] ?? "(none)"} is not understood: use application/json or application/proto, for a stream application/connect+json or application/connect+proto, or application/grpc-web`;
  sendJson(response, status, { code: "unimplemented", message });
}

function implementationOf({ rpc, handle }: Route) {
  return (request: Message, context: HandlerContext) => {
    const timeoutMs = context.timeoutMs();
    const malformed = enterPipeline(context.values);
    const call = createCall({
      front: "http",
      peer: context.values.get(peerKey),
      header: (name) => context.requestHeader.get(name),
      deadline: timeoutMs === undefined ? undefined : new Date(Date.now() + timeoutMs),
      signal: rpc.streams ? context.signal : NEVER_ABORTED,
      malformed: malformed === undefined ? undefined : malformedBody(rpc.method.input, malformed),
    });
    context.responseHeader.set(CALL_ID_HEADER, call.callId);
    return handle(request, call);
  };
}
