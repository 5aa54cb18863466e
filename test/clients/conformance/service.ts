import { setTimeout as sleep } from "node:timers/promises";
import { create, type DescMessage, type DescService, type Message } from "@bufbuild/protobuf";
import { anyPack, anyUnpack } from "@bufbuild/protobuf/wkt";
import { ConnectError } from "@connectrpc/connect";
import type { Call, Handler, ResponseHeader } from "../../../src/transport/call.ts";
import type { HandlersOf } from "../../../src/transport/handlers/types.ts";
import { createRoutes, type Pipeline, type Route } from "../../../src/transport/middleware/pipeline.ts";
import type {
  ConformanceRequest,
  ErrorDefinition,
  Header,
  Schemas,
  StreamDefinition,
  UnaryDefinition,
} from "./messages.ts";

/** The request header that the suite expects to be echoed. */
const ECHOED_HEADERS = ["x-conformance-test"];

/** The callers' deadlines, which are echoed as well: the pipeline gives every call one. */
const deadlines = new WeakMap<Call, Date>();

/**
 * The routes of the suite's service: its unary RPCs and the server-streaming one, the kinds that
 * this project has. Each response is what the request describes.
 *
 * @param maxRequestBytes maximum size of a request, in bytes
 */
export function createConformanceRoutes(
  schemas: Schemas,
  pipeline: Pipeline,
  maxRequestBytes: number,
): readonly Route[] {
  const service = schemas.service("ConformanceService");
  const implemented = ["Unary", "IdempotentUnary", "ServerStream"];
  const methods = service.methods.filter(({ name }) => implemented.includes(name));
  const handlers = Object.fromEntries(
    methods.map((method) => [
      method.localName,
      method.methodKind === "server_streaming" ? serverStream(schemas, method.output) : unary(schemas, method.output),
    ]),
  );
  return createRoutes({ ...service, methods }, handlers as unknown as HandlersOf<DescService>, pipeline).map(
    (route) => ({ ...route, rpc: { ...route.rpc, maxRequestBytes }, handle: withResponseHeaders(route.handle) }),
  );
}

/** Adds the headers and trailers that the request asks for. */
function withResponseHeaders(handle: Handler): Handler {
  return (request, call) => {
    if (call.deadline !== undefined) {
      deadlines.set(call, call.deadline);
    }
    const { responseDefinition } = request as ConformanceRequest;
    call.responseHeaders.push(...pairs(responseDefinition?.responseHeaders));
    call.responseTrailers.push(...pairs(responseDefinition?.responseTrailers));
    return handle(request, call);
  };
}

const pairs = (headers: readonly Header[] = []): ResponseHeader[] =>
  headers.flatMap(({ name, value }) => value.map((single): ResponseHeader => [name.toLowerCase(), single]));

function unary(schemas: Schemas, output: DescMessage): Handler {
  return async (request, call) => {
    const { responseDefinition } = request as ConformanceRequest<UnaryDefinition>;
    const requestInfo = requestInfoOf(schemas, request, call);
    await sleep(responseDefinition?.responseDelayMs ?? 0);
    const { response } = responseDefinition ?? {};
    if (response?.case === "error") {
      throw toError(schemas, response.value, requestInfo);
    }
    return create(output, { payload: { requestInfo, ...(response?.case && { data: response.value }) } });
  };
}

function serverStream(schemas: Schemas, output: DescMessage): Handler {
  return async function* (request, call) {
    const { responseDefinition } = request as ConformanceRequest<StreamDefinition>;
    const { responseData = [], responseDelayMs = 0, error } = responseDefinition ?? {};
    const requestInfo = requestInfoOf(schemas, request, call);
    for (const [index, data] of responseData.entries()) {
      await sleep(responseDelayMs);
      yield create(output, { payload: { data, ...(index === 0 && { requestInfo }) } });
    }
    if (error !== undefined) {
      throw toError(schemas, error, responseData.length === 0 ? requestInfo : undefined);
    }
  };
}

/** What the server has seen of the request. */
function requestInfoOf(schemas: Schemas, request: Message, call: Call): Message {
  const requestHeaders = ECHOED_HEADERS.flatMap((name) => {
    const value = call.header(name);
    return value == null ? [] : [{ name, value: [value] }];
  });
  const deadline = deadlines.get(call);
  const schema = schemas.message(request.$typeName.slice(request.$typeName.lastIndexOf(".") + 1));
  return create(schemas.message("ConformancePayload.RequestInfo"), {
    requestHeaders,
    requests: [anyPack(schema, request)],
    ...(deadline && { timeoutMs: BigInt(deadline.getTime() - Date.now()) }),
  });
}

function toError(schemas: Schemas, { code, message, details }: ErrorDefinition, requestInfo?: Message): ConnectError {
  const messages = [...details.map((detail) => anyUnpack(detail, schemas.registry)), requestInfo];
  const toDetail = (value: Message | undefined) => {
    const desc = value && schemas.registry.getMessage(value.$typeName);
    return value === undefined || desc === undefined ? [] : [{ desc, value }];
  };
  return new ConnectError(message ?? "", code, undefined, messages.flatMap(toDetail));
}
