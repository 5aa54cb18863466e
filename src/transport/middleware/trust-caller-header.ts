import { invalidField } from "../../application/errors.ts";
import type { Interceptor } from "../call.ts";

/** The header by which a caller names itself, for example "wms". */
export const CALLER_HEADER = "oms-caller";

/** Printable ASCII, which is what a header can carry. */
const CALLER = /^[\x20-\x7e]{1,64}$/;

/** Takes the caller's word for who it is: where nobody proves anything. */
export const trustCallerHeader: Interceptor = (next) => (request, call) => {
  const caller = call.header(CALLER_HEADER);
  if (caller) {
    if (!CALLER.test(caller)) {
      throw invalidField(CALLER_HEADER, `must be 1 to 64 printable ASCII characters, was ${caller.length}`);
    }
    call.caller = caller;
  }
  return next(request, call);
};
