import type { IncomingMessage, ServerResponse } from "node:http";
import type { Message } from "@bufbuild/protobuf";
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
import { type Peer, peerOfRequest, plaintextPeer } from "../connections/peer.ts";
import { MAX_MESSAGE_BYTES, MAX_TIMEOUT_MS } from "../limits.ts";
import type { Route } from "../middleware/pipeline.ts";
import type { RequestDecoder } from "../wire/decode.ts";
import { RESPONSE_JSON_OPTIONS } from "../wire/json-responses.ts";
import { dropLongTimeouts } from "../wire/timeout.ts";
import { malformedBody } from "../wire/validation.ts";
import { enterPipeline, jsonCapture, withMalformedRequests } from "./malformed.ts";
import { sendJson } from "./pages.ts";
import { canUseFastPath, readUnaryRequest, sendUnaryResponse } from "./unary-fast-path.ts";

/** Handles a request over HTTP/1.1, or over HTTP/2 in Node's compatibility API. */
export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/**
 * Serves routes over Connect (JSON and binary, GET for RPCs without side effects) and gRPC-Web.
 *
 * @param addFurther registers further services
 * @returns finds the handler of a path
 */
export function createConnectHandlers(
  routes: readonly Route[],
  decode: RequestDecoder,
  addFurther: (router: ConnectRouter) => void,
): (path: string) => HttpHandler | undefined {
  const router = createConnectRouter({
    grpc: false,
    readMaxBytes: MAX_MESSAGE_BYTES,
    maxTimeoutMs: MAX_TIMEOUT_MS,
    acceptCompression: [compressionGzip, compressionBrotli],
    // The text decoder is an option of the library's serialization; the router's type lacks it.
    jsonOptions: Object.assign({ textDecoder: jsonCapture, ignoreUnknownFields: false }, RESPONSE_JSON_OPTIONS),
  });
  for (const route of routes) {
    router.rpc(route.rpc.method, implementationOf(route, decode) as never);
  }
  addFurther(router);
  const handlers = new Map(
    router.handlers.map((handler, index) => [
      handler.requestPath,
      index < routes.length
        ? toHttpHandler(withMalformedRequests(handler), routes[index]?.rpc.streaming === false)
        : toHttpHandler(handler, false),
    ]),
  );
  return (path) => handlers.get(path);
}

const peerKey = createContextKey<Peer>(plaintextPeer(""));

function toHttpHandler(handler: UniversalHandlerFn, unary: boolean): HttpHandler {
  return async (request, response) => {
    const fast = unary && canUseFastPath(request);
    const contextValues = createContextValues().set(peerKey, peerOfRequest(request));
    const universal = fast
      ? { ...(await readUnaryRequest(request)), contextValues }
      : universalRequestFromNodeRequest(request, response, undefined, contextValues);
    dropLongTimeouts(universal.header);
    const result = await handler(universal);
    if (result.body === undefined && result.status >= 400) {
      sendRejection(request, response, result.status);
      return;
    }
    if (request.method === "GET") {
      // A cached status would be stale.
      result.header?.set("cache-control", "no-store");
    }
    await (fast ? sendUnaryResponse : universalResponseToNodeResponse)(result, response);
  };
}

/** Adds an explanation, as the library sends only a status. */
function sendRejection({ method, headers }: IncomingMessage, response: ServerResponse, status: number): void {
  const message =
    status === 405
      ? `method ${method} is not allowed: use POST; GET is for RPCs without side effects only`
      : `content-type ${headers["content-type"] ?? "(none)"} is not supported: use application/json or application/proto, for streams application/connect+json or application/connect+proto, or application/grpc-web`;
  sendJson(response, status, { code: "unimplemented", message });
}

function implementationOf({ rpc, handle }: Route, decode: RequestDecoder) {
  const schema = rpc.method.input;
  return (message: Message, context: HandlerContext) => {
    const timeoutMs = context.timeoutMs();
    const { malformed: unreadable, json } = enterPipeline();
    const { request, malformed } =
      json === undefined ? { request: message, malformed: undefined } : decode(schema, json, "json");
    const call = createCall({
      transport: "http",
      peer: context.values.get(peerKey),
      header: (name) => context.requestHeader.get(name),
      deadline: timeoutMs === undefined ? undefined : new Date(Date.now() + timeoutMs),
      signal: rpc.streaming ? context.signal : NEVER_ABORTED,
      malformed: unreadable === undefined ? malformed : malformedBody(schema, unreadable),
    });
    context.responseHeader.set(CALL_ID_HEADER, call.callId);
    return handle(request, call);
  };
}
