/** A call that may change something, or came by an old address, as it is kept. */
export type { RequestLogRow as CallRecord } from "../store/logs/request-log.ts";
