import type { IncomingMessage, ServerResponse } from "node:http";
import type { DescMessage } from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import type { ContextValues } from "@connectrpc/connect";
import type { UniversalServerRequest } from "@connectrpc/connect/protocol";
import { invalidField, OperationError } from "../../application/errors.ts";
import { MAX_QUOTED_LENGTH } from "../../observability/shorten.ts";
import { decompress, isEncoding, UnpackedSizeError } from "../wire/compression.ts";
import type { Codec } from "../wire/decode.ts";
import { malformedBody } from "../wire/validation.ts";
import { readRequestBody, singleChunk } from "./body.ts";
import { decodeBase64Segments, isGrpcWebText, maxTextBytes, toBinaryType } from "./grpc-web-text.ts";
import { queryOf } from "./request-target.ts";

/** The bytes of a request message and their encoding. */
export interface RequestMessage {
  readonly bytes: Uint8Array;
  readonly codec: Codec;
}

/** How a request carries its message: as it is, or in an envelope of flags and length. */
interface Framing {
  readonly codec: Codec;
  readonly enveloped: boolean;
  /** Whether the body is base64: gRPC-Web text. */
  readonly text: boolean;
  /** The header that names the compression. */
  readonly encodingHeader: string;
}

const CONTENT_TYPE = /^application\/(?:(connect\+|grpc-web(?:-text)?\+?)?(json|proto)?)\s*(?:;|$)/i;

/** Undefined for a content type that Connect and gRPC-Web do not define. */
function framingOf({ headers }: IncomingMessage): Framing | undefined {
  const [, prefix = "", codec] = CONTENT_TYPE.exec(headers["content-type"] ?? "") ?? [];
  const isGrpcWeb = prefix.toLowerCase().startsWith("grpc-web");
  if (codec === undefined && !isGrpcWeb) {
    return undefined;
  }
  return {
    codec: codec?.toLowerCase() === "json" ? "json" : "binary",
    enveloped: prefix !== "",
    text: isGrpcWebText(headers["content-type"]),
    encodingHeader: isGrpcWeb ? "grpc-encoding" : prefix === "" ? "content-encoding" : "connect-content-encoding",
  };
}

/** Length of an envelope's prefix: flags and the length of the message. */
const PREFIX_BYTES = 5;

const COMPRESSED_FLAG = 1;

/** Marks the last message of a Connect stream, which carries the error. */
export const END_STREAM_FLAG = 2;

/**
 * Reads the message of a request for a unary or server-streaming RPC.
 *
 * @returns undefined if the library is to explain what is wrong with the request's form
 * @throws OperationError for a message that is too large or malformed, or not the only one
 */
export async function readMessage(
  request: IncomingMessage,
  schema: DescMessage,
  maxBytes: number,
): Promise<RequestMessage | undefined> {
  if (request.method === "GET") {
    return messageOfQuery(request, maxBytes);
  }
  const framing = framingOf(request);
  if (request.method !== "POST" || framing === undefined) {
    return undefined;
  }
  const { codec, enveloped, text, encodingHeader } = framing;
  const encoding = request.headers[encodingHeader]?.toString() ?? "identity";
  if (!isEncoding(encoding)) {
    return undefined;
  }
  const unpack = async (bytes: Buffer, name: string): Promise<Buffer> => {
    try {
      return await decompress(bytes, name, maxBytes);
    } catch (error) {
      throw error instanceof UnpackedSizeError ? requestTooLarge(maxBytes) : malformedBody(schema, `not valid ${name}`);
    }
  };
  const maxBodyBytes = maxBytes + (enveloped ? PREFIX_BYTES : 0);
  const body = text
    ? decodeText(await readRequestBody(request, maxTextBytes(maxBodyBytes)), schema)
    : await readRequestBody(request, maxBodyBytes);
  if (body === undefined || body.length > maxBodyBytes) {
    throw requestTooLarge(maxBytes);
  }
  if (!enveloped) {
    return { codec, bytes: await unpack(body, encoding) };
  }
  const count = countMessages(body);
  if (count === undefined) {
    throw malformedBody(schema, "the body must be one message: a flag, four bytes of length, the message itself");
  }
  if (count !== 1) {
    throw new OperationError("not-one-message", `the body must be one message, was ${count}`);
  }
  const compressed = ((body[0] as number) & COMPRESSED_FLAG) !== 0;
  if (compressed && encoding === "identity") {
    throw malformedBody(schema, `the message is marked as compressed, without a header ${encodingHeader}`);
  }
  return { codec, bytes: await unpack(body.subarray(PREFIX_BYTES), compressed ? encoding : "identity") };
}

/** @returns undefined if the last message is incomplete */
function countMessages(body: Buffer): number | undefined {
  let count = 0;
  let end = 0;
  while (end + PREFIX_BYTES <= body.length) {
    end += PREFIX_BYTES + body.readUInt32BE(end + 1);
    count += 1;
  }
  return end === body.length ? count : undefined;
}

function decodeText(body: Buffer | undefined, schema: DescMessage): Buffer | undefined {
  try {
    return body && decodeBase64Segments(body);
  } catch (error) {
    throw malformedBody(schema, (error as Error).message);
  }
}

/** Parameters of a Connect GET. Which value of a repeated one another program takes is unknown. */
const GET_PARAMETERS = ["connect", "encoding", "compression", "base64", "message"];

function messageOfQuery({ url = "" }: IncomingMessage, maxBytes: number): RequestMessage | undefined {
  const query = new URLSearchParams(queryOf(url));
  const [encoding, message] = [query.get("encoding"), query.get("message")];
  const repeated = GET_PARAMETERS.find((name) => query.getAll(name).length > 1);
  if (repeated !== undefined) {
    throw invalidField(repeated, "must be given once");
  }
  if (encoding !== "json" && encoding !== "proto") {
    return undefined;
  }
  if (message === null) {
    // The library would take an empty message, which for a filter means everything.
    throw invalidField("message", "is required in a GET, and was not given");
  }
  if ((query.get("compression") ?? "identity") !== "identity") {
    // A link in any web page can send a GET.
    throw invalidField("compression", "must be identity in a GET; use POST for a compressed request");
  }
  const bytes = query.get("base64") === "1" ? decodeBase64(message) : Buffer.from(message);
  if (bytes.length > maxBytes) {
    throw requestTooLarge(maxBytes);
  }
  return { bytes, codec: encoding === "json" ? "json" : "binary" };
}

function decodeBase64(text: string): Uint8Array {
  try {
    return base64Decode(text);
  } catch {
    throw invalidField("message", "must be base64");
  }
}

export function requestTooLarge(maxBytes: number): OperationError {
  return new OperationError("request-too-large", `request is larger than ${maxBytes} bytes, the limit of this RPC`);
}

/**
 * The request as the library takes it, with an empty message: the message itself is read only once
 * the caller is known, and decoded in the pipeline, with the same errors as over gRPC.
 */
export function toUniversalRequest(
  request: IncomingMessage,
  response: ServerResponse,
  contextValues: ContextValues,
): UniversalServerRequest {
  const { httpVersion, method = "", url = "", headers } = request;
  const disconnected = new AbortController();
  response.once("close", () => disconnected.abort());
  const target = new URL(url, `http://${headers.host ?? headers[":authority"] ?? ""}`);
  if (method === "GET") {
    target.search = `${queryWithEmptyMessage(target.searchParams)}`;
  }
  const framing = framingOf(request);
  const message = Buffer.from(framing?.codec === "json" ? "{}" : "");
  return {
    httpVersion,
    method,
    url: target.toString(),
    header: headerOf(request, framing),
    body: singleChunk(framing?.enveloped === true ? envelope(message) : message),
    signal: disconnected.signal,
    contextValues,
  };
}

/** The parameters of a Connect GET, those of the message itself excepted. */
function queryWithEmptyMessage(query: URLSearchParams): URLSearchParams {
  const kept = new URLSearchParams({ message: query.get("encoding") === "json" ? "{}" : "" });
  for (const name of ["connect", "encoding"]) {
    for (const value of query.getAll(name)) {
      kept.append(name, quotable(value));
    }
  }
  return kept;
}

/** The library quotes values in its errors. */
const quotable = (value: string): string => value.slice(0, MAX_QUOTED_LENGTH);

function headerOf({ headers }: IncomingMessage, framing: Framing | undefined): Headers {
  const header = new Headers();
  for (const [name, value = ""] of Object.entries(headers)) {
    if (!name.startsWith(":") && name !== "content-length") {
      for (const single of typeof value === "string" ? [value] : value) {
        // The media type is not quoted, and its parameters may be long.
        header.append(name, name === "content-type" ? single : quotable(single));
      }
    }
  }
  if (framing?.text === true) {
    header.set("content-type", toBinaryType(header.get("content-type") ?? ""));
  }
  if (framing !== undefined && isEncoding(header.get(framing.encodingHeader) ?? "identity")) {
    header.delete(framing.encodingHeader);
  }
  return header;
}

/** Adds the prefix of an enveloped message. */
export function envelope(message: Buffer, flags = 0): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix[0] = flags;
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}
