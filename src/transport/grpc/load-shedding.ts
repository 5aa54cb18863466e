import { Metadata, type StatusObject } from "@grpc/grpc-js";
import { OperationError } from "../../application/errors.ts";
import { encodeStatus, toConnectError } from "../wire/errors.ts";

/** Rejects calls beyond the server's capacity. */
export interface LoadShedding {
  /** Whether one more call can be executed. */
  hasCapacity(): boolean;
  onRejected(rpc: string): void;
}

/** RetryInfo delay of a rejected call, in milliseconds: about the time until capacity is free. */
const RETRY_AFTER_MS = 250;

/**
 * The response to a rejected call, encoded once: rejecting must cost next to nothing, or a server
 * under several times its load would do nothing else.
 */
export const OVERLOADED: StatusObject = overloaded();

function overloaded(): StatusObject {
  const rejection = new OperationError("overloaded", "server overloaded; the call was not executed", {
    retryAfterMs: RETRY_AFTER_MS,
  });
  const error = toConnectError(rejection, "");
  const metadata = new Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from(encodeStatus(error)));
  return { code: error.code as number, details: error.rawMessage, metadata };
}
