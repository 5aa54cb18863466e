import type { OutgoingHttpHeaders } from "node:http2";
import { Metadata, type StatusObject } from "@grpc/grpc-js";
import type { OperationError } from "../../application/errors.ts";
import { encodeStatus, toConnectError } from "../wire/errors.ts";

/** An error as gRPC sends it. */
export interface EncodedError {
  readonly status: StatusObject;
  /** The same as headers of a response without a message. */
  readonly headers: OutgoingHttpHeaders;
}

/** Encodes an error without a call id. */
export function encodeError(cause: OperationError): EncodedError {
  const error = toConnectError(cause, "");
  const details = Buffer.from(encodeStatus(error));
  const metadata = new Metadata();
  metadata.set(DETAILS_HEADER, details);
  return {
    status: { code: error.code as number, details: error.rawMessage, metadata },
    headers: {
      "grpc-status": error.code,
      "grpc-message": encodeURI(error.rawMessage),
      [DETAILS_HEADER]: details.toString("base64"),
    },
  };
}

const DETAILS_HEADER = "grpc-status-details-bin";
