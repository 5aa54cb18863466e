import type { IncomingMessage, ServerResponse } from "node:http";
import type { Logger } from "../../observability/log.ts";
import { createLogLimiter } from "../../observability/log-limiter.ts";
import { MAX_QUOTED_LENGTH, shorten } from "../../observability/shorten.ts";
import { CALL_ID_HEADER } from "../call.ts";
import type { ClientAddress } from "../connections/client-address.ts";
import { peerOfRequest } from "../connections/peer.ts";

/** Maximum log lines per second for each reason or status. */
const LINES_PER_SECOND = 5;

/** Statuses of requests that are rejected before they become a call. */
const REJECTED: ReadonlySet<number> = new Set([401, 403, 404, 405, 415]);

/** Logs rejected requests that no access log contains, with the address of the client. */
export interface RejectionLog {
  write(level: "info" | "warn", request: IncomingMessage, reason: string, fields?: object): void;
  /** Logs the request if its response is a rejection without a call id. */
  observe(request: IncomingMessage, response: ServerResponse): void;
}

export function createRejectionLog(log: Logger, clientAddress: ClientAddress): RejectionLog {
  const lines = createLogLimiter(log, { message: "HTTP request rejected", perSecond: LINES_PER_SECOND });
  const write: RejectionLog["write"] = (level, request, reason, fields = {}) =>
    lines.write(level, reason, () => ({
      reason,
      ...fields,
      address: clientAddress(peerOfRequest(request), request.headers["x-forwarded-for"]?.toString()),
    }));
  return {
    write,
    observe(request, response) {
      const { statusCode } = response;
      if (REJECTED.has(statusCode) && response.getHeader(CALL_ID_HEADER) === undefined) {
        const { method = "", url = "" } = request;
        const path = url.split("?", 1)[0] as string;
        write("info", request, `status ${statusCode}`, {
          method: shorten(method, MAX_QUOTED_LENGTH),
          path: shorten(path, MAX_QUOTED_LENGTH),
        });
      }
    },
  };
}
