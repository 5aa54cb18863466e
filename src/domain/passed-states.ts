import { STATES, type Status } from "./state-machine.ts";

/**
 * The states an order has been in, as a bit set: bit i stands for the i-th state of the table. Kept with the order, so that a
 * late report can be told from an impossible one without reading the history. 0 for an order that was never changed here.
 */
export type PassedStates = number;

const bits: ReadonlyMap<number, number> = new Map(STATES.map(({ code }, index) => [code, 1 << index]));

/** The set with one state more; a code that the table does not know adds nothing. */
export function withState(passed: PassedStates, code: number): PassedStates {
  return passed | (bits.get(code) ?? 0);
}

/** The states of the set, in order of progress. */
export function statesIn(passed: PassedStates): Status[] {
  return STATES.filter(({ code }) => (passed & (bits.get(code) ?? 0)) !== 0).map(({ code }) => code);
}
