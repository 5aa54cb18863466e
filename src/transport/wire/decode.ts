import { create, type DescMessage, fromBinary, type Message } from "@bufbuild/protobuf";
import { OperationError } from "../../application/errors.ts";
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
      const request = codec === "json" ? decodeJson(schema, bytes, unknownFields) : fromBinary(schema, bytes);
      return { request, malformed: undefined };
    } catch (error) {
      const malformed = error instanceof OperationError ? error : malformedBody(schema, (error as Error).message);
      return { request: create(schema), malformed };
    }
  };
}
