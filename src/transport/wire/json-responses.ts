import {
  createRegistry,
  type DescMessage,
  type JsonWriteOptions,
  type Message,
  toJsonString,
} from "@bufbuild/protobuf";
import { ERROR_DETAILS } from "./errors.ts";

/**
 * How responses are written as JSON. Default values are included: a reader need not know which
 * fields exist. The registry is for the error details in the response to a batch.
 */
export const RESPONSE_JSON_OPTIONS = {
  alwaysEmitImplicit: true,
  registry: createRegistry(...ERROR_DETAILS),
} as const satisfies Partial<JsonWriteOptions>;

/** A response in JSON, for the transports that encode messages themselves. */
export function encodeJson(schema: DescMessage, message: Message): Buffer {
  return Buffer.from(toJsonString(schema, message, RESPONSE_JSON_OPTIONS));
}
