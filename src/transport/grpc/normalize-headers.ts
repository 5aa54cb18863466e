import type { OutgoingHttpHeaders } from "node:http2";
import { status } from "@grpc/grpc-js";
import { exceedsTimerLimit, parseGrpcTimeout } from "../wire/timeout.ts";
import type { StreamListener } from "./http2-server.ts";

/** Carries a malformed deadline to the pipeline, which rejects it. */
export const MALFORMED_TIMEOUT_HEADER = "oms-malformed-timeout";

/**
 * Corrects how grpc-js handles unusual headers. It answers INTERNAL to a malformed deadline, and to
 * a message that it cannot decompress or decode, though these are the caller's mistakes; and it
 * expires a deadline of more than 24 days at once.
 */
export const normalizeHeaders: StreamListener = (stream, headers) => {
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
  const encoding = headers["grpc-encoding"];
  if ((encoding !== undefined && encoding !== "identity") || headers[":path"]?.startsWith(BUILT_IN_PATH) === true) {
    const { respond } = stream;
    stream.respond = (response, options) => respond.call(stream, toInvalidArgument(response), options);
  }
};

/** Turns an INTERNAL of grpc-js about an undecodable request into INVALID_ARGUMENT. */
function toInvalidArgument(response: OutgoingHttpHeaders | readonly string[] | undefined): typeof response {
  return response !== undefined && "grpc-status" in response && UNDECODABLE.test(String(response["grpc-message"]))
    ? { ...response, "grpc-status": status.INVALID_ARGUMENT }
    : response;
}

/** Health and reflection, whose requests grpc-js decodes. */
const BUILT_IN_PATH = "/grpc.";

const UNDECODABLE = /^(Failed%20to%20decompress|Error%20deserializing)/;
