import { dueAfterStatus, type Effect } from "./effects.ts";
import type { Line, Order } from "./orders.ts";

/** The expected state of an order, updated with each report. */
export interface ExpectedState {
  readonly order: Order;
  status: number;
  version: number;
  paused: boolean;
  /** Number of late reports, which the history records. */
  late: number;
  /** Message ids of its events, or their prefixes where the server chooses the rest. */
  readonly events: string[];
  readonly effects: Effect[];
  /** Pieces booked by the ERP and the WMS. */
  readonly stock: { allocated: number; released: number; dispatched: number; takenBack: number };
  /** Quantities to settle: shipped, or else ordered. */
  settled: readonly Line[];
}

/** Applies a state change to the expected state. */
export function applyStatus(expected: ExpectedState, status: number): void {
  const { order } = expected;
  expected.status = status;
  expected.version += 1;
  expected.events.push(`${order.id}-${expected.version}`);
  expected.effects.push(...dueAfterStatus(order, status, expected.version));
}

/** Applies a pause or resume to the expected state. */
export function applyPause(expected: ExpectedState, paused: boolean): void {
  if (expected.paused !== paused) {
    expected.events.push(`${expected.order.id}-pause-`);
  }
  expected.paused = paused;
}

/** Total quantity of an order. */
export function piecesOf({ lines }: Order): number {
  return lines.reduce((sum, { quantity }) => sum + quantity, 0);
}

/** A response differs from the expected one. */
export class UnexpectedResponse extends Error {
  override readonly name = "UnexpectedResponse";
}

/** The caller that reports each state. */
export const REPORTERS: Readonly<Record<number, string>> = {
  1010: "pay",
  1020: "forward-flow",
  1030: "forward-flow",
  2010: "forward-flow",
  2020: "forward-flow",
  3010: "wms",
  3020: "wms",
  3030: "wms",
  4010: "wms",
  5010: "tms",
  5020: "dms",
  6010: "tms",
  6020: "dms",
  6030: "dms",
  6040: "tms",
  9001: "reversal-flow",
};

/**
 * Compares fields of a response with their expected values.
 *
 * @throws UnexpectedResponse
 */
export function expectFields(what: string, answer: object, expected: Readonly<Record<string, unknown>>): void {
  for (const [field, value] of Object.entries(expected)) {
    const found = (answer as Record<string, unknown>)[field];
    if (found !== value) {
      throw new UnexpectedResponse(`${what}: ${field} is ${String(found)}, expected ${String(value)}`);
    }
  }
}
