import { Metadata, type StatusObject } from "@grpc/grpc-js";
import { OperationError } from "../../application/errors.ts";
import { encodeStatus, toConnectError } from "../wire/errors.ts";

/** Tells whether there is room for one more call; one for which there is none is refused. */
export interface LoadShedding {
  hasRoom(): boolean;
  /** A call was refused. */
  refused(rpc: string): void;
}

/** What a refused call is told to wait, in milliseconds: about as long as it takes for room to be there. */
const RETRY_AFTER_MS = 250;

/**
 * The answer to a call for which there is no room, the same bytes for all: what is refused must cost next to nothing, or a server that is
 * asked for several times what it can do would do nothing but refuse.
 */
export const OVERLOADED: StatusObject = noRoom();

function noRoom(): StatusObject {
  const refusal = new OperationError(
    "overloaded",
    "the server has more calls under way than it takes; nothing was done, try again",
    {
      retryAfterMs: RETRY_AFTER_MS,
    },
  );
  const error = toConnectError(refusal, "");
  const metadata = new Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from(encodeStatus(error)));
  return { code: error.code as number, details: error.rawMessage, metadata };
}
