import { createRegistry, isMessage, type Message } from "@bufbuild/protobuf";
import { anyUnpack, type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import type { UpdateError } from "../../gen/oms/orderstatus/v1/order_status_pb.ts";

const DETAILS = createRegistry(ErrorInfoSchema, BadRequestSchema, RetryInfoSchema);

/** A message as a plain object for comparison: with Dates, without type names. */
export function plain(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(plain);
  }
  if (isMessage(value) && value.$typeName === "google.protobuf.Timestamp") {
    return new Date(timestampMs(value as Timestamp));
  }
  if (typeof value === "object" && value !== null && !(value instanceof Date)) {
    const fields = Object.entries(value).filter(([name]) => name !== "$typeName");
    return Object.fromEntries(fields.map(([name, field]) => [name, plain(field)]));
  }
  return value;
}

/** A failed call as its caller sees it. */
export interface Failure {
  /** For example "NotFound". */
  readonly code: string;
  readonly message: string;
  /** By type name, for example ErrorInfo. */
  readonly details: Record<string, unknown>;
}

/** The failure of a call; throws if the call succeeded. */
export async function failure(call: Promise<unknown>): Promise<Failure> {
  const result = await call.then(
    (message) => ({ message }),
    (error: unknown) => ({ error }),
  );
  if ("message" in result) {
    throw new Error(
      `call succeeded: ${JSON.stringify(plain(result.message), (_, x) => (typeof x === "bigint" ? String(x) : x))}`,
    );
  }
  return failureOf(result.error);
}

export function failureOf(error: unknown): Failure {
  if (!(error instanceof ConnectError)) {
    throw error;
  }
  return { code: Code[error.code], message: error.rawMessage, details: detailsOf(error.findDetails(DETAILS)) };
}

/** The failure of a report in a batch. */
export function failureOfUpdate({ code, message, details }: UpdateError): Failure {
  const unpacked = details.flatMap((detail) => anyUnpack(detail, DETAILS) ?? []);
  return { code: Code[code] as string, message, details: detailsOf(unpacked) };
}

function detailsOf(details: readonly Message[]): Record<string, unknown> {
  return Object.fromEntries(details.map((detail) => [detail.$typeName.replace("google.rpc.", ""), plain(detail)]));
}
