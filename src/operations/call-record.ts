/** A changing call, as it is kept. */
export type { RequestLogRow as CallRecord } from "../store/request-log.ts";
