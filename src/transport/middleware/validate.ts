import type { DescMessage } from "@bufbuild/protobuf";
import { OperationError } from "../../application/errors.ts";
import type { Interceptor } from "../call.ts";
import { assertValid } from "../wire/validation.ts";

/** Refuses what is no request, and what breaks a rule of the contract, before any work is done. */
export const validate: Interceptor = (next, { method }) => {
  const schema = method.input;
  return (request, call) => {
    if (call.malformed !== undefined) {
      throw call.malformed;
    }
    assertValid(schema, request);
    return next(request, call);
  };
};

/** What is wrong with bytes that are no message. */
export function malformedBody({ typeName }: DescMessage, why: string): OperationError {
  return new OperationError("invalid", `the body is no ${typeName}: ${why}`);
}
