import { Metadata, type StatusObject } from "@grpc/grpc-js";
import { overloaded } from "../middleware/admission.ts";
import { encodeStatus, toConnectError } from "../wire/errors.ts";

/**
 * The response to a call beyond the server's capacity, encoded once: rejecting must cost next to
 * nothing, or a server under several times its load would do nothing else.
 */
export const OVERLOADED: StatusObject = overloadedStatus();

function overloadedStatus(): StatusObject {
  const error = toConnectError(overloaded(), "");
  const metadata = new Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from(encodeStatus(error)));
  return { code: error.code as number, details: error.rawMessage, metadata };
}
