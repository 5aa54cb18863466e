import type { IncomingMessage, ServerResponse } from "node:http";
import type { Message } from "@bufbuild/protobuf";
import {
  type ConnectRouter,
  createConnectRouter,
  createContextKey,
  createContextValues,
  type HandlerContext,
} from "@connectrpc/connect";
import type { UniversalHandlerFn, UniversalServerResponse } from "@connectrpc/connect/protocol";
import {
  compressionBrotli,
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from "@connectrpc/connect-node";
import { OperationError } from "../../application/errors.ts";
import { MAX_QUOTED_LENGTH, shorten } from "../../observability/shorten.ts";
import { type Call, createCall, NEVER_ABORTED, type ResponseHeader, type Rpc } from "../call.ts";
import { connectionOfRequest, peerOfRequest } from "../connections/peer.ts";
import { MAX_BUILT_IN_REQUEST_BYTES, MAX_TIMEOUT_MS } from "../limits.ts";
import type { Route } from "../middleware/pipeline.ts";
import type { RequestDecoder } from "../wire/decode.ts";
import { RESPONSE_JSON_OPTIONS } from "../wire/json-responses.ts";
import { dropLongTimeouts } from "../wire/timeout.ts";
import { type AddressCheck, PAGE_COST } from "./address-limit.ts";
import { readBody } from "./body.ts";
import { type RequestMessage, readMessage, toUniversalRequest } from "./connect-request.ts";
import { normalizeContentType } from "./content-type.ts";
import { encodeTextResponse, isGrpcWebText } from "./grpc-web-text.ts";
import { sendUnimplemented } from "./pages.ts";

/** Handles a request over HTTP/1.1, or over HTTP/2 in Node's compatibility API. */
export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/**
 * Serves routes over Connect (JSON and binary, GET for RPCs without side effects) and gRPC-Web.
 *
 * @param addressCheck limits the further services, which need no authentication
 * @param addFurther registers further services
 * @returns finds the handler of a path
 */
export function createConnectHandlers(
  routes: readonly Route[],
  decode: RequestDecoder,
  addressCheck: AddressCheck,
  addFurther: (router: ConnectRouter) => void,
): (path: string) => HttpHandler | undefined {
  const router = createConnectRouter({
    grpc: false,
    // Requests for routes are read here; this applies to the further services.
    readMaxBytes: MAX_BUILT_IN_REQUEST_BYTES,
    maxTimeoutMs: MAX_TIMEOUT_MS,
    acceptCompression: [compressionGzip, compressionBrotli],
    jsonOptions: RESPONSE_JSON_OPTIONS,
  });
  for (const route of routes) {
    router.rpc(route.rpc.method, implementationOf(route, decode) as never);
  }
  addFurther(router);
  const handlers = new Map(
    router.handlers.map((handler, index) => {
      const route = routes[index];
      return [
        handler.requestPath,
        route === undefined ? serveFurther(handler, addressCheck) : serveRoute(handler, route, addressCheck),
      ];
    }),
  );
  return (path) => handlers.get(path);
}

/** A request on its way through the library, which passes an empty message instead of its own. */
interface Incoming {
  readonly call: Call;
  readonly message: RequestMessage | undefined;
}

const incomingKey = createContextKey<Incoming | undefined>(undefined);

/** Otherwise nginx holds back the messages of a stream until its buffer is full. */
const UNBUFFERED = ["x-accel-buffering", "no"] as const;

function serveRoute(handler: UniversalHandlerFn, route: Route, addressCheck: AddressCheck): HttpHandler {
  const { streaming, hasSideEffects } = route.rpc;
  const methods = streaming || hasSideEffects ? ["POST"] : ["GET", "POST"];
  return async (request, response) => {
    normalizeContentType(request.headers);
    const type = request.headers["content-type"] ?? "";
    const call = callOf(request);
    await route.admit(call);
    if (call.rejection?.kind === "address-rate-limited") {
      addressCheck.reject(request, response, call.rejection);
      return;
    }
    const message = call.rejection === undefined ? await readInto(call, request, route.rpc) : undefined;
    const contextValues = createContextValues().set(incomingKey, { call, message });
    const universal = toUniversalRequest(request, response, contextValues);
    dropLongTimeouts(universal.header);
    const result = await handler(universal);
    if (!methods.includes(request.method ?? "")) {
      response.setHeader("allow", methods.join(", "));
      sendRejection(request, response, 405);
      return;
    }
    if (result.body === undefined && result.status >= 400) {
      sendRejection(request, response, result.status);
      return;
    }
    if (streaming) {
      result.header?.set(...UNBUFFERED);
    }
    if (request.method === "GET") {
      // A cached status would be stale.
      result.header?.set("cache-control", "no-store");
    }
    const encoded = isGrpcWebText(type) ? encodeTextResponse(result, type) : result;
    await (streaming ? universalResponseToNodeResponse(encoded, response) : sendUnaryResponse(encoded, response));
  };
}

/** Serves reflection, which needs no admission. */
function serveFurther(handler: UniversalHandlerFn, addressCheck: AddressCheck): HttpHandler {
  return async (request, response) => {
    if (addressCheck.rejects("open", request, response, PAGE_COST)) {
      return;
    }
    const universal = universalRequestFromNodeRequest(request, response, undefined, createContextValues());
    const result = await handler(universal);
    result.header?.set(...UNBUFFERED);
    await universalResponseToNodeResponse(result, response);
  };
}

/** A call by its headers. */
function callOf(request: IncomingMessage): Call {
  return createCall({
    transport: "http",
    peer: peerOfRequest(request),
    connection: connectionOfRequest(request),
    header: (name) => request.headers[name]?.toString(),
    deadline: undefined,
    signal: NEVER_ABORTED,
  });
}

/** Reads the message of an admitted call; an error in it becomes the call's. */
async function readInto(call: Call, request: IncomingMessage, rpc: Rpc): Promise<RequestMessage | undefined> {
  try {
    return await readMessage(request, rpc.method.input, rpc.maxRequestBytes);
  } catch (error) {
    if (!(error instanceof OperationError)) {
      throw error;
    }
    call.malformed = error;
    return undefined;
  }
}

/** Sends the response of a unary RPC, headers and body in one packet. */
async function sendUnaryResponse(
  { status, header = new Headers(), body }: UniversalServerResponse,
  response: ServerResponse,
): Promise<void> {
  const bytes = body === undefined ? undefined : await readBody(body);
  response.writeHead(status, Object.fromEntries(header));
  response.end(bytes);
}

function explainRejection(method: string, type: string, status: number): string {
  if (status === 405) {
    return `method ${shorten(method, MAX_QUOTED_LENGTH)} is not allowed: use POST; GET is for RPCs without side effects only`;
  }
  if (method === "GET") {
    return "a GET needs the parameters encoding (json or proto) and message: use POST for any other request";
  }
  return `content-type ${shorten(type, MAX_QUOTED_LENGTH)} is not supported: use application/json (in UTF-8) or application/proto, for streams application/connect+json or application/connect+proto; or application/grpc-web or application/grpc-web-text`;
}

/** Adds an explanation, as the library sends only a status. */
function sendRejection(request: IncomingMessage, response: ServerResponse, status: number): void {
  const { method = "", headers } = request;
  const message = explainRejection(method, headers["content-type"] ?? "(none)", status);
  sendUnimplemented(request, response, status, message);
}

function implementationOf({ rpc, handle }: Route, decode: RequestDecoder) {
  return (empty: Message, context: HandlerContext) => {
    const { call, message } = context.values.get(incomingKey) as Incoming;
    const timeoutMs = context.timeoutMs();
    call.deadline = timeoutMs === undefined ? undefined : new Date(Date.now() + timeoutMs);
    call.signal = rpc.streaming ? context.signal : NEVER_ABORTED;
    const { request = empty, malformed = call.malformed } =
      message === undefined ? {} : decode(rpc.method, message.bytes, message.codec, call.caller);
    call.malformed = malformed;
    const response = handle(request, call);
    append(context.responseHeader, call.responseHeaders);
    append(context.responseTrailer, call.responseTrailers);
    return response;
  };
}

function append(target: Headers, headers: readonly ResponseHeader[]): void {
  for (const [name, value] of headers) {
    target.append(name, value);
  }
}
