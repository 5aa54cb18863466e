import { createRegistry, isMessage, type Message } from "@bufbuild/protobuf";
import { anyUnpack, type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import type { UpdateError } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";

const DETAILS = createRegistry(ErrorInfoSchema, BadRequestSchema, RetryInfoSchema);

/** A message as a plain object, to be compared as a whole: times are Dates, the type's name is left out. */
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

/** What a failed call told its caller. */
export interface Failure {
  /** For example "NotFound". */
  readonly code: string;
  readonly message: string;
  /** By the details' short names, for example ErrorInfo. */
  readonly details: Record<string, unknown>;
}

/** How a call failed; fails itself when it did not. */
export async function failure(call: Promise<unknown>): Promise<Failure> {
  const answer = await call.then(
    (message) => ({ message }),
    (error: unknown) => ({ error }),
  );
  if ("message" in answer) {
    throw new Error(
      `the call was answered: ${JSON.stringify(plain(answer.message), (_, x) => (typeof x === "bigint" ? String(x) : x))}`,
    );
  }
  return failureOf(answer.error);
}

export function failureOf(error: unknown): Failure {
  if (!(error instanceof ConnectError)) {
    throw error;
  }
  return { code: Code[error.code], message: error.rawMessage, details: detailsOf(error.findDetails(DETAILS)) };
}

/** The same of a report that failed in a batch. */
export function failureOfUpdate({ code, message, details }: UpdateError): Failure {
  const unpacked = details.flatMap((detail) => anyUnpack(detail, DETAILS) ?? []);
  return { code: Code[code] as string, message, details: detailsOf(unpacked) };
}

function detailsOf(details: readonly Message[]): Record<string, unknown> {
  return Object.fromEntries(details.map((detail) => [detail.$typeName.replace("google.rpc.", ""), plain(detail)]));
}
