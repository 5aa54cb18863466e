import { invalidField } from "../../operations/errors.ts";
import type { Interceptor } from "../call.ts";

/** The header by which a caller names itself, for example "wms". */
export const CALLER_HEADER = "oms-caller";

/** Printable ASCII, which is what a header can carry. */
const CALLER = /^[\x20-\x7e]{1,64}$/;

/** W3C trace context; one that is not is ignored, as its standard asks. */
const TRACEPARENT = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/;

/** Reads who calls, and the trace that the call belongs to. */
export const nameCaller: Interceptor = (next) => (request, call) => {
  const caller = call.header(CALLER_HEADER);
  if (caller) {
    if (!CALLER.test(caller)) {
      throw invalidField(CALLER_HEADER, `must be 1 to 64 printable ASCII characters, was ${caller.length}`);
    }
    call.caller = caller;
  }
  const traceparent = call.header("traceparent");
  if (traceparent && TRACEPARENT.test(traceparent)) {
    call.traceparent = traceparent;
  }
  return next(request, call);
};
