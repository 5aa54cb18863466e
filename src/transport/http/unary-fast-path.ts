import type { IncomingMessage, ServerResponse } from "node:http";
import type { UniversalServerRequest, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { MAX_MESSAGE_BYTES } from "../limits.ts";
import { readBody, singleChunk } from "./body.ts";

/**
 * Whether the body of a request for a unary RPC may be read at once: HTTP/1.1, with a known,
 * permitted length.
 */
export function canUseFastPath({ httpVersionMajor, headers }: IncomingMessage): boolean {
  const length = Number(headers["content-length"] ?? 0);
  return httpVersionMajor === 1 && headers["transfer-encoding"] === undefined && length <= MAX_MESSAGE_BYTES;
}

/**
 * Converts such a request for Connect. The library's conversion reads the body through three
 * iterators, and creates an exception in each call to signal a disconnect; unary calls run to
 * completion and need neither.
 */
export async function readUnaryRequest(request: IncomingMessage): Promise<UniversalServerRequest> {
  const { httpVersion, method = "", url = "", headers } = request;
  return {
    httpVersion,
    method,
    url: new URL(url, `http://${headers.host ?? ""}`).toString(),
    header: headerOf(request),
    body: singleChunk(await bodyOf(request)),
    signal: new AbortController().signal,
  };
}

/** Sends a response with headers and body in one packet. */
export async function sendUnaryResponse(
  { status, header = new Headers(), body }: UniversalServerResponse,
  response: ServerResponse,
): Promise<void> {
  const bytes = body === undefined ? undefined : await readBody(body);
  response.writeHead(status, Object.fromEntries(header));
  response.end(bytes);
}

function headerOf({ headersDistinct }: IncomingMessage): Headers {
  const header = new Headers();
  for (const [name, values = []] of Object.entries(headersDistinct)) {
    for (const value of values) {
      header.append(name, value);
    }
  }
  return header;
}

function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    request.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    request.once("end", () => resolve(chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks)));
    request.once("error", reject);
  });
}
