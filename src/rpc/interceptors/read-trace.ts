import type { Interceptor } from "../call.ts";

/** W3C trace context; one that is not is ignored, as its standard asks. */
const TRACEPARENT = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/;

/** Reads the trace that the call belongs to. */
export const readTrace: Interceptor = (next) => (request, call) => {
  const traceparent = call.header("traceparent");
  if (traceparent && TRACEPARENT.test(traceparent)) {
    call.traceparent = traceparent;
  }
  return next(request, call);
};
