import { stateOf } from "../../domain/state-machine.ts";
import type { AcceptedReport, ReportResult } from "../../store/commit/types.ts";
import { OperationError, orderNotFound } from "../errors.ts";

const name = (code: number): string => stateOf(code)?.name ?? String(code);

/** What came of a report, or the error that says why nothing did. */
export function acceptedOrThrow(result: ReportResult, orderId: bigint, requestId: string): AcceptedReport {
  switch (result.kind) {
    case "taken":
      return result;
    case "refused": {
      const kind = result.reason === "ORDER_PAUSED" ? "order-paused" : "illegal-transition";
      const metadata = { from: name(result.from), to: name(result.to), order_id: String(orderId) };
      throw new OperationError(kind, `order ${orderId}: ${result.why}`, { metadata });
    }
    case "version-mismatch": {
      const { expected, actual } = result;
      const message = `order ${orderId} is at version ${actual}, not ${expected}: read it again`;
      const metadata = {
        expected_version: String(expected),
        actual_version: String(actual),
        order_id: String(orderId),
      };
      throw new OperationError("version-mismatch", message, { metadata });
    }
    case "request-id-reused":
      throw requestIdReused(requestId);
    case "not-found":
      throw orderNotFound(orderId);
  }
}

/** The same request id came with another content before: one of the two calls is a mistake. */
export function requestIdReused(requestId: string): OperationError {
  const message = `request_id ${JSON.stringify(requestId)} was used before with another content: use a new one for a new request`;
  return new OperationError("request-id-reused", message, { metadata: { request_id: requestId } });
}
