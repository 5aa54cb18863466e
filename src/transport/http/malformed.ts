import { type ContextValues, createContextKey, createContextValues } from "@connectrpc/connect";
import type { UniversalHandlerFn, UniversalServerRequest, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { readBody, singleChunk } from "./body.ts";

/** How far a request has come. */
interface Attempt {
  /** It reached the pipeline. */
  entered: boolean;
  /** Why its bytes are no message. */
  readonly malformed: string | undefined;
}

const attemptKey = createContextKey<Attempt | undefined>(undefined);

/**
 * To be called when a request reaches the pipeline.
 *
 * @returns why its bytes are no message, if they are none
 */
export function enterPipeline(values: ContextValues): string | undefined {
  const attempt = values.get(attemptKey);
  if (attempt !== undefined) {
    attempt.entered = true;
  }
  return attempt?.malformed;
}

/**
 * The protocols' own code refuses bytes that are no message by itself, some of them as INTERNAL, and without the pipeline. Such a
 * request is sent in again with an empty message and the reason beside it: the pipeline refuses it as it does on the other front,
 * with a call id and a line in the log.
 */
export function withMalformedRequests(handler: UniversalHandlerFn): UniversalHandlerFn {
  const attempt = (request: UniversalServerRequest, { malformed }: Pick<Attempt, "malformed">) => {
    const state: Attempt = { entered: false, malformed };
    const contextValues = (request.contextValues ?? createContextValues()).set(attemptKey, state);
    return { state, answer: handler({ ...request, contextValues }) };
  };
  return async (request) => {
    const { state, answer } = attempt(request, { malformed: undefined });
    let first: UniversalServerResponse;
    try {
      first = await answer;
    } catch (error) {
      if (error instanceof URIError) {
        // The parser quotes half a character of what it could not read, and no header takes that.
        return attempt(withoutMessage(request), { malformed: "not readable" }).answer;
      }
      throw error;
    }
    if (state.entered || first.body === undefined) {
      return first;
    }
    const body = await readBody(first.body);
    const text = body.toString("latin1");
    if (!REFUSALS.test(text)) {
      return { ...first, body: singleChunk(body) };
    }
    return attempt(withoutMessage(request), { malformed: reasonIn(text) }).answer;
  };
}

/** INVALID_ARGUMENT and INTERNAL, in Connect's JSON and in gRPC-Web's trailers. */
const REFUSALS = /"code":"(invalid_argument|internal)"|grpc-status: (3|13)\b/;

function reasonIn(text: string): string {
  const json = /"message":("(?:[^"\\]|\\.)*")/.exec(text)?.[1];
  const trailer = /grpc-message: (.*)\r\n/.exec(text)?.[1];
  const reason: string =
    json === undefined
      ? decodeURIComponent(trailer ?? "not readable")
      : JSON.parse(Buffer.from(json, "latin1").toString());
  return reason.replace(/^parse binary: /, "");
}

/** The same request with an empty message, in the form that its protocol has for one. */
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

/** The five bytes before a message in a stream: flags, and how long it is. */
function frame(message: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}
