import { STATES, type State } from "./state-machine.ts";

/**
 * The states an order has been in, as a bit set of `State.bit`. Stored with the order in
 * `oms_order_status.passed_states`, so that a late report is distinguished from an illegal one
 * without reading the history. 0 for an order that never changed here.
 */
export type PassedStates = number;

/** The operations on bit sets for one table of states. */
export function passedStatesOf<Code extends number>(states: readonly (Pick<State, "bit"> & { readonly code: Code })[]) {
  const masks: ReadonlyMap<number, number> = new Map(states.map(({ code, bit }) => [code, 1 << bit]));
  return {
    /** The set with one more state; an unknown code adds nothing. */
    withState: (passed: PassedStates, code: number): PassedStates => passed | (masks.get(code) ?? 0),
    /** The states of the set, in the order of the table. */
    statesIn: (passed: PassedStates): Code[] =>
      states.filter(({ bit }) => (passed & (1 << bit)) !== 0).map(({ code }) => code),
  };
}

export const { withState, statesIn } = passedStatesOf(STATES);
