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
 * names no alternative for an unknown RPC; and it drops a header that is not ASCII, which would
 * make the caller anonymous: as binary metadata its name reaches the pipeline.
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
    const path = headers[":path"] ?? "";
    const encoding = headers["grpc-encoding"];
    if ((encoding !== undefined && encoding !== "identity") || path.startsWith(BUILT_IN_PATH)) {
      if (encoding !== undefined) {
        // grpc-js quotes an unknown encoding in its answer.
        headers["grpc-encoding"] = String(encoding).slice(0, MAX_QUOTED_LENGTH);
      }
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

const JSON_CONTENT = /^application\/grpc\+json *(;|$)/i;

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
