import { isTraceparent } from "../../observability/traceparent.ts";
import type { Interceptor } from "../call.ts";

/** Reads the trace that the call belongs to; a header that is no trace is ignored, as its standard asks. */
export const readTraceContext: Interceptor = (next) => (request, call) => {
  const traceparent = call.header("traceparent");
  if (traceparent && isTraceparent(traceparent)) {
    call.traceparent = traceparent;
  }
  return next(request, call);
};
