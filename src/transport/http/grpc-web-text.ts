import type { UniversalServerResponse } from "@connectrpc/connect/protocol";

/**
 * gRPC-Web in base64, the only mode in which Google's client for browsers can stream. The library
 * serves the binary form; here the bodies are converted. Each is a sequence of base64 segments that
 * may be padded.
 */
const TEXT_TYPE = /^application\/grpc-web-text(?=\+|\s*(?:;|$))/i;

export function isGrpcWebText(contentType = ""): boolean {
  return TEXT_TYPE.test(contentType);
}

/** The content type of the binary form. */
export function toBinaryType(contentType: string): string {
  return contentType.replace(TEXT_TYPE, "application/grpc-web");
}

/** Maximum length in base64 of a number of bytes, with some segments. */
export function maxTextBytes(bytes: number): number {
  return Math.ceil(bytes / 3) * 4 + MAX_PADDING_BYTES;
}

const MAX_PADDING_BYTES = 1_024;

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** A segment: base64 digits and their padding. */
const SEGMENTS = /[^=]+=*|=+/g;

/** @throws Error for a body that is not base64 */
export function decodeBase64Segments(body: Buffer): Buffer {
  const segments = body.toString("latin1").match(SEGMENTS) ?? [];
  if (!segments.every((segment) => BASE64.test(segment))) {
    throw new Error("the body must be base64");
  }
  return Buffer.concat(segments.map((segment) => Buffer.from(segment, "base64")));
}

/** @param contentType of the request, which is the response's as well */
export function encodeTextResponse(response: UniversalServerResponse, contentType: string): UniversalServerResponse {
  if (response.body === undefined) {
    return response;
  }
  response.header?.set("content-type", contentType);
  return { ...response, body: encodeBase64(response.body) };
}

/** Each chunk is a segment of its own, so that a message need not wait for the next one. */
async function* encodeBase64(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    yield Buffer.from(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString("base64"), "latin1");
  }
}
