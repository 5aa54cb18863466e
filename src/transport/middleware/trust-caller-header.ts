import { invalidField } from "../../application/errors.ts";
import { CALLER_NAME_PATTERN } from "../auth/identity.ts";
import type { Call } from "../call.ts";

/** The header with the caller's name, for example "wms". */
export const CALLER_HEADER = "oms-caller";

/** Takes the caller's name from its header unverified, where authentication is off. */
export function trustCallerHeader(call: Call): void {
  const caller = call.header(CALLER_HEADER);
  if (caller) {
    if (!CALLER_NAME_PATTERN.test(caller)) {
      throw invalidField(CALLER_HEADER, `must be 1 to 64 printable ASCII characters, was ${caller.length} characters`);
    }
    call.caller = caller;
  }
}
