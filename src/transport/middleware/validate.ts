import type { Interceptor } from "../call.ts";
import { assertValid } from "../wire/validation.ts";

/** Rejects requests that could not be decoded, or violate the contract, before any work is done. */
export const validate: Interceptor =
  (next, { method }) =>
  (request, call) => {
    if (call.malformed !== undefined) {
      throw call.malformed;
    }
    assertValid(method.input, request);
    return next(request, call);
  };
