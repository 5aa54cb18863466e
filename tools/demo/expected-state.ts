import type { Effect } from "./effects.ts";
import type { Line, Order } from "./orders.ts";

/** What must have come of an order when its life has been told. */
export interface ExpectedState {
  readonly order: Order;
  status: number;
  version: number;
  paused: boolean;
  /** Late reports, which the history keeps. */
  late: number;
  /** Message ids of its events, or how they begin where their end is the server's choice. */
  readonly events: string[];
  readonly effects: Effect[];
  /** Pieces that the ERP and the WMS must have in their books for it. */
  readonly stock: { allocated: number; released: number; dispatched: number; takenBack: number };
  /** What settlement must count: what was really shipped, or else what was ordered. */
  settled: readonly Line[];
}

/** An answer was not the expected one. */
export class UnexpectedResponse extends Error {
  override readonly name = "Surprise";
}

/** Who reports a state. */
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

/** Holds those fields of an answer that the expectation names against it; throws a Surprise. */
export function expectFields(what: string, answer: object, expected: Readonly<Record<string, unknown>>): void {
  for (const [field, value] of Object.entries(expected)) {
    const found = (answer as Record<string, unknown>)[field];
    if (found !== value) {
      throw new UnexpectedResponse(`${what}: ${field} is ${String(found)}, expected ${String(value)}`);
    }
  }
}
