import { type ContextValues, createContextKey, createContextValues } from "@connectrpc/connect";
import type { UniversalHandlerFn, UniversalServerRequest, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { readBody, singleChunk } from "./body.ts";

/** State of one pass of a request through the Connect library. */
interface Attempt {
  /** Whether it reached the pipeline. */
  entered: boolean;
  /** Why the request could not be decoded. */
  readonly malformed: string | undefined;
}

const attemptKey = createContextKey<Attempt | undefined>(undefined);

/**
 * Called when a request reaches the pipeline.
 *
 * @returns why the request could not be decoded, if so
 */
export function enterPipeline(values: ContextValues): string | undefined {
  const attempt = values.get(attemptKey);
  if (attempt !== undefined) {
    attempt.entered = true;
  }
  return attempt?.malformed;
}

/**
 * The library rejects undecodable requests by itself, some of them with INTERNAL, before the
 * pipeline. Such a request is repeated with an empty message and the reason: the pipeline then
 * rejects it as over gRPC, with a call id and a log line.
 */
export function withMalformedRequests(handler: UniversalHandlerFn): UniversalHandlerFn {
  const attempt = (request: UniversalServerRequest, { malformed }: Pick<Attempt, "malformed">) => {
    const state: Attempt = { entered: false, malformed };
    const contextValues = (request.contextValues ?? createContextValues()).set(attemptKey, state);
    return { state, response: handler({ ...request, contextValues }) };
  };
  return async (request) => {
    const { state, response } = attempt(request, { malformed: undefined });
    let first: UniversalServerResponse;
    try {
      first = await response;
    } catch (error) {
      if (error instanceof URIError) {
        // The parser quoted a lone surrogate, which no header can carry.
        return attempt(withoutMessage(request), { malformed: "unreadable" }).response;
      }
      throw error;
    }
    if (state.entered || first.body === undefined) {
      return first;
    }
    const body = await readBody(first.body);
    const text = body.toString("latin1");
    if (!REJECTIONS.test(text)) {
      return { ...first, body: singleChunk(body) };
    }
    return attempt(withoutMessage(request), { malformed: reasonIn(text) }).response;
  };
}

/** INVALID_ARGUMENT and INTERNAL, in Connect's JSON and in gRPC-Web's trailers. */
const REJECTIONS = /"code":"(invalid_argument|internal)"|grpc-status: (3|13)\b/;

function reasonIn(text: string): string {
  const json = /"message":("(?:[^"\\]|\\.)*")/.exec(text)?.[1];
  const trailer = /grpc-message: (.*)\r\n/.exec(text)?.[1];
  const reason: string =
    json === undefined
      ? decodeURIComponent(trailer ?? "unreadable")
      : JSON.parse(Buffer.from(json, "latin1").toString());
  return reason.replace(/^parse binary: /, "");
}

/** The same request with an empty message in its encoding. */
function withoutMessage(request: UniversalServerRequest): UniversalServerRequest {
  const url = new URL(request.url);
  if (request.method === "GET") {
    url.searchParams.set("message", url.searchParams.get("encoding") === "json" ? "{}" : "");
    url.searchParams.delete("base64");
    url.searchParams.delete("compression");
  }
  const header = new Headers(request.header);
  for (const name of ["content-encoding", "connect-content-encoding", "grpc-encoding", "content-length"]) {
    header.delete(name);
  }
  const type = header.get("content-type") ?? "";
  const message = Buffer.from(type.includes("json") ? "{}" : "");
  const framed = type.startsWith("application/grpc-web") || type.startsWith("application/connect+");
  return { ...request, url: url.toString(), header, body: singleChunk(framed ? frame(message) : message) };
}

/** Adds the five-byte prefix of a streamed message: flags and length. */
function frame(message: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}
