import { create, type DescMessage, fromBinary, type Message } from "@bufbuild/protobuf";
import { OperationError } from "../../application/errors.ts";
import { assertJsonSize, assertListSizes, requestLimits } from "./request-limits.ts";
import { decodeJson, type UnknownFields } from "./strict-json.ts";
import { malformedBody } from "./validation.ts";

/** A request, or why there is none; its message is empty then. */
export interface DecodedRequest {
  readonly request: Message;
  readonly malformed: OperationError | undefined;
}

/** The encoding of a message. */
export type Codec = "binary" | "json";

/** Decodes the bytes of a request. */
export type RequestDecoder = (schema: DescMessage, bytes: Uint8Array, codec: Codec) => DecodedRequest;

export function createRequestDecoder(unknownFields: UnknownFields): RequestDecoder {
  return (schema, bytes, codec) => {
    try {
      const request = codec === "json" ? decodeJsonWithin(schema, bytes, unknownFields) : decodeBinary(schema, bytes);
      return { request, malformed: undefined };
    } catch (error) {
      const malformed = error instanceof OperationError ? error : malformedBody(schema, (error as Error).message);
      return { request: create(schema), malformed };
    }
  };
}

function decodeJsonWithin(schema: DescMessage, bytes: Uint8Array, unknownFields: UnknownFields): Message {
  assertJsonSize(schema, bytes, requestLimits(schema));
  return decodeJson(schema, bytes, unknownFields);
}

/** Ignores unknown fields, each of which would be kept as an object. */
function decodeBinary(schema: DescMessage, bytes: Uint8Array): Message {
  assertListSizes(schema, bytes, requestLimits(schema));
  return fromBinary(schema, bytes, { readUnknownFields: false });
}
