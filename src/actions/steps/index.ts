import type { Action } from "../../messaging/runner/action.ts";
import { cancelTimeLimit } from "../timers/cancel-time-limit.ts";
import { paymentTimeout } from "../timers/payment-timeout.ts";
import { allocate } from "./allocate.ts";
import { approve } from "./approve.ts";
import { askWms } from "./ask-wms.ts";
import { dispatch } from "./dispatch.ts";
import { releaseStock } from "./release-stock.ts";
import { split } from "./split.ts";
import type { FlowDeps } from "./step.ts";

/** All steps of the forward and the reversal flow: one row each. A new one begins with its file beside this one. */
export function createSteps(deps: FlowDeps): readonly Action[] {
  return [
    paymentTimeout(deps),
    approve(deps),
    split(deps),
    allocate(deps),
    dispatch(deps),
    askWms(deps),
    cancelTimeLimit(deps),
    releaseStock(deps),
  ];
}
