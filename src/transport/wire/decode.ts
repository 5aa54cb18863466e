import { create, type DescMessage, type DescMethod, fromBinary, type Message } from "@bufbuild/protobuf";
import { OperationError } from "../../application/errors.ts";
import type { OnIgnoredField } from "./ignored-fields.ts";
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

/** Decodes the bytes of an RPC's request, sent by a caller of that name. */
export type RequestDecoder = (
  method: Pick<DescMethod, "name" | "input">,
  bytes: Uint8Array,
  codec: Codec,
  caller: string,
) => DecodedRequest;

/** @param onIgnored called for each unknown field that is ignored */
export function createRequestDecoder(
  unknownFields: UnknownFields,
  onIgnored: OnIgnoredField = () => {},
): RequestDecoder {
  return ({ name: rpc, input: schema }, bytes, codec, caller) => {
    try {
      if (codec === "binary") {
        return { request: decodeBinary(schema, bytes), malformed: undefined };
      }
      assertJsonSize(schema, bytes, requestLimits(schema));
      const request = decodeJson(schema, bytes, unknownFields, (field) => onIgnored({ rpc, field, caller }));
      return { request, malformed: undefined };
    } catch (error) {
      const malformed = error instanceof OperationError ? error : malformedBody(schema, (error as Error).message);
      return { request: create(schema), malformed };
    }
  };
}

/** Ignores unknown fields, each of which would be kept as an object. */
function decodeBinary(schema: DescMessage, bytes: Uint8Array): Message {
  assertListSizes(schema, bytes, requestLimits(schema));
  return fromBinary(schema, bytes, { readUnknownFields: false });
}
