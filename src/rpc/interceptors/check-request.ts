import { OperationError } from "../../operations/errors.ts";
import type { Interceptor } from "../call.ts";
import { assertValid } from "../validation.ts";

/** Refuses what is no request, and what breaks a rule of the contract, before any work is done. */
export const checkRequest: Interceptor = (next, { method }) => {
  const schema = method.input;
  return (request, call) => {
    if (call.malformed !== undefined) {
      throw new OperationError("invalid", `the body is no ${schema.typeName}: ${call.malformed}`);
    }
    assertValid(schema, request);
    return next(request, call);
  };
};
