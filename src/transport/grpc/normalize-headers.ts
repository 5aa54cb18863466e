import type { OutgoingHttpHeaders } from "node:http2";
import { status } from "@grpc/grpc-js";
import { exceedsTimerLimit, parseGrpcTimeout } from "../wire/timeout.ts";
import type { StreamListener } from "./http2-server.ts";

/** Where a deadline goes that is none, for the pipeline to refuse. */
export const MALFORMED_TIMEOUT_HEADER = "oms-malformed-timeout";

/**
 * Puts right what grpc-js makes of odd headers: a deadline that is none it answers INTERNAL, one of more than 24 days has passed at once,
 * and a message that cannot be unpacked or decoded is INTERNAL as well, though all of them are the caller's mistakes.
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
  if ((encoding !== undefined && encoding !== "identity") || headers[":path"]?.startsWith(FOREIGN) === true) {
    const { respond } = stream;
    stream.respond = (answer, options) => respond.call(stream, blameCaller(answer), options);
  }
};

/** An INTERNAL that begins the answer comes from grpc-js: our own comes after a header of ours. */
function blameCaller(answer: OutgoingHttpHeaders | readonly string[] | undefined): typeof answer {
  return answer !== undefined && "grpc-status" in answer && UNREADABLE.test(String(answer["grpc-message"]))
    ? { ...answer, "grpc-status": status.INVALID_ARGUMENT }
    : answer;
}

/** Health and reflection, whose messages grpc-js decodes. */
const FOREIGN = "/grpc.";

const UNREADABLE = /^(Failed%20to%20decompress|Error%20deserializing)/;
