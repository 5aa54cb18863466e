import type { Interceptor } from "../call.ts";
import { markProven } from "../guard/index.ts";

/** Removes the limit of a connection on which an admitted, valid call has arrived. */
export const proveConnection: Interceptor = (next) => (request, call) => {
  markProven(call.connection);
  return next(request, call);
};
