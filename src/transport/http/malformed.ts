import { AsyncLocalStorage } from "node:async_hooks";
import type { UniversalHandlerFn, UniversalServerRequest } from "@connectrpc/connect/protocol";
import { readBody, singleChunk } from "./body.ts";

/** One pass of a request through the Connect library. */
interface Attempt {
  /** Whether it reached the pipeline. */
  entered: boolean;
  /** Why the request could not be read. */
  readonly malformed: string | undefined;
  /** The message as it arrived, if it is JSON. */
  json: Uint8Array | undefined;
}

const attempts = new AsyncLocalStorage<Attempt>();

/**
 * Called when a request reaches the pipeline.
 *
 * @returns why the request could not be read, if so, and the JSON to decode
 */
export function enterPipeline(): Pick<Attempt, "malformed" | "json"> {
  const attempt = attempts.getStore();
  if (attempt === undefined) {
    return { malformed: undefined, json: undefined };
  }
  const { malformed, json } = attempt;
  attempt.entered = true;
  // What a call starts may outlive it, and would keep the bytes.
  attempt.json = undefined;
  return { malformed, json };
}

const utf8 = new TextDecoder();

/**
 * Given to the library as its text decoder. The library's own JSON decoding is lenient: it rounds
 * integers and replaces invalid UTF-8. The bytes are kept for the pipeline instead, and the library
 * reads an empty message.
 */
export const jsonCapture = {
  decode(bytes?: Uint8Array): string {
    const attempt = attempts.getStore();
    if (attempt === undefined) {
      return utf8.decode(bytes);
    }
    attempt.json = bytes ?? new Uint8Array();
    return "{}";
  },
};

/**
 * The library rejects unreadable requests by itself, some of them with INTERNAL, before the
 * pipeline: malformed bytes, frames and compression. Such a request is repeated with an empty
 * message and the reason: the pipeline then rejects it as over gRPC, with a call id and a log line.
 */
export function withMalformedRequests(handler: UniversalHandlerFn): UniversalHandlerFn {
  const attempt = (request: UniversalServerRequest, malformed: string | undefined) => {
    const state: Attempt = { entered: false, malformed, json: undefined };
    return { state, response: attempts.run(state, () => handler(request)) };
  };
  return async (request) => {
    const { state, response } = attempt(request, undefined);
    const first = await response;
    if (state.entered || first.body === undefined) {
      return first;
    }
    const body = await readBody(first.body);
    const text = body.toString("latin1");
    if (!REJECTIONS.test(text)) {
      return { ...first, body: singleChunk(body) };
    }
    return attempt(withoutMessage(request), reasonIn(text)).response;
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
