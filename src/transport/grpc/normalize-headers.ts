import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { status } from "@grpc/grpc-js";
import { MAX_QUOTED_LENGTH, shorten } from "../../observability/shorten.ts";
import { CALLER_HEADER } from "../middleware/trust-caller-header.ts";
import { exceedsTimerLimit, parseGrpcTimeout } from "../wire/timeout.ts";
import { nearestRpc } from "../wire/unknown-rpc.ts";
import type { StreamListener } from "./http2-server.ts";

/** Carries a malformed deadline to the pipeline, which rejects it. */
export const MALFORMED_TIMEOUT_HEADER = "oms-malformed-timeout";

/** Marks a call whose messages are JSON; grpc-js hides the content type. */
export const JSON_HEADER = "oms-json-messages";

/** Called for a call of an RPC that does not exist, which reaches no handler. */
export type OnUnknownRpc = (path: string, stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

/**
 * Corrects how grpc-js handles unusual requests. It answers INTERNAL to a malformed deadline, and
 * to a message that it cannot decompress or decode, though these are the caller's mistakes; it
 * expires a deadline of more than 24 days at once; it names one content type for all messages; it
 * names no alternative for an unknown RPC; it drops a header that is not ASCII, which would make
 * the caller anonymous: as binary metadata its name reaches the pipeline; it takes any method,
 * encoding and format of messages for one that it knows; and its trailers have a message for OK,
 * and padded base64.
 *
 * @param paths the paths of all RPCs, complete before the first call
 */
export function normalizeHeaders(paths: ReadonlySet<string>, onUnknownRpc: OnUnknownRpc): StreamListener {
  return (stream, headers) => {
    const timeout = headers["grpc-timeout"];
    if (timeout !== undefined) {
      const ms = parseGrpcTimeout(String(timeout));
      if (ms === undefined) {
        headers[MALFORMED_TIMEOUT_HEADER] = encodeURIComponent(String(timeout).slice(0, 32));
      }
      if (ms === undefined || exceedsTimerLimit(ms)) {
        delete headers["grpc-timeout"];
      }
    }
    const caller = headers[CALLER_HEADER];
    if (caller !== undefined && NOT_ASCII.test(String(caller))) {
      headers[`${CALLER_HEADER}-bin`] = Buffer.from(String(caller), "latin1").toString("base64");
      delete headers[CALLER_HEADER];
    }
    normalizeTrailers(stream);
    const unsupported = findUnsupported(headers);
    if (unsupported !== undefined) {
      onUnknownRpc(headers[":path"] ?? "", stream, headers);
      headers[":path"] = "";
      mapResponse(stream, (response) => ({
        ...response,
        "grpc-message": encodeURI(unsupported),
        "grpc-accept-encoding": ENCODINGS.join(","),
      }));
      return;
    }
    const path = headers[":path"] ?? "";
    const encoding = headers["grpc-encoding"];
    if ((encoding !== undefined && encoding !== "identity") || path.startsWith(BUILT_IN_PATH)) {
      mapResponse(stream, toInvalidArgument);
    }
    delete headers[JSON_HEADER];
    if (JSON_CONTENT.test(headers["content-type"] ?? "")) {
      headers[JSON_HEADER] = "1";
      mapResponse(stream, (response) => ({ ...response, "content-type": "application/grpc+json" }));
    }
    if (!paths.has(path)) {
      onUnknownRpc(path, stream, headers);
      mapResponse(stream, (response) => explainUnknownRpc(response, path, paths));
    }
  };
}

/** What grpc-js decompresses. */
const ENCODINGS = ["identity", "deflate", "gzip"];

const GRPC_CONTENT = /^application\/grpc(\+(proto|json))? *(;|$)/i;

/** Why a request is not one of gRPC as it is served here. */
function findUnsupported(headers: IncomingHttpHeaders): string | undefined {
  const type = headers["content-type"] ?? "";
  if (!type.startsWith("application/grpc")) {
    // grpc-js answers 415.
    return undefined;
  }
  const quote = (value: string | string[] | undefined) => shorten(String(value), MAX_QUOTED_LENGTH);
  if (headers[":method"] !== "POST") {
    return `method ${quote(headers[":method"])} is not allowed: use POST`;
  }
  if (!GRPC_CONTENT.test(type)) {
    return `content-type ${quote(type)} is not supported: use application/grpc, application/grpc+proto or application/grpc+json`;
  }
  const encoding = headers["grpc-encoding"] ?? "identity";
  return ENCODINGS.includes(String(encoding))
    ? undefined
    : `grpc-encoding ${quote(encoding)} is not supported: use ${ENCODINGS.join(", ")}`;
}

const JSON_CONTENT = /^application\/grpc\+json *(;|$)/i;

/** Applies to a response without a message as well, whose headers are its trailers. */
function normalizeTrailers(stream: ServerHttp2Stream): void {
  const { respond, sendTrailers } = stream;
  stream.sendTrailers = (trailers) => sendTrailers.call(stream, toStandard(trailers));
  stream.respond = (response, options) =>
    respond.call(stream, toStandard(response as OutgoingHttpHeaders | undefined), options);
}

/** Changes headers that grpc-js has created for one call. */
function toStandard<Headers extends OutgoingHttpHeaders | undefined>(headers: Headers): Headers {
  if (headers?.["grpc-status"] === status.OK) {
    delete headers["grpc-message"];
  }
  const details = headers?.[DETAILS_HEADER];
  if (headers !== undefined && details !== undefined) {
    headers[DETAILS_HEADER] = String(details).replace(/=+$/, "");
  }
  return headers;
}

const DETAILS_HEADER = "grpc-status-details-bin";

/** Changes the response headers, which are the trailers as well if there is no message. */
export function mapResponse(
  stream: ServerHttp2Stream,
  map: (response: OutgoingHttpHeaders) => OutgoingHttpHeaders,
): void {
  const { respond } = stream;
  stream.respond = (response, options) => respond.call(stream, map({ ...(response as OutgoingHttpHeaders) }), options);
}

function explainUnknownRpc(
  response: OutgoingHttpHeaders,
  path: string,
  paths: ReadonlySet<string>,
): OutgoingHttpHeaders {
  const meant = nearestRpc(path, [...paths]);
  const hint = meant === undefined ? "" : `: did you mean ${meant}?`;
  const message = `there is no RPC ${shorten(path, MAX_QUOTED_LENGTH)}${hint}`;
  return Number(response["grpc-status"]) === status.UNIMPLEMENTED
    ? { ...response, "grpc-message": encodeURI(message) }
    : response;
}

/** Not allowed in gRPC's ASCII metadata. */
const NOT_ASCII = /[^\x20-\x7e]/;

/** Turns an INTERNAL of grpc-js about an undecodable request into INVALID_ARGUMENT. */
function toInvalidArgument(response: OutgoingHttpHeaders): OutgoingHttpHeaders {
  return UNDECODABLE.test(String(response["grpc-message"]))
    ? { ...response, "grpc-status": status.INVALID_ARGUMENT }
    : response;
}

/** Health and reflection, whose requests grpc-js decodes. */
const BUILT_IN_PATH = "/grpc.";

const UNDECODABLE = /^(Failed%20to%20decompress|Error%20deserializing)/;
