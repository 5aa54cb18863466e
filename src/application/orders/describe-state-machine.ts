import { STATES, type State, TRANSITIONS, type Transition } from "../../domain/state-machine.ts";

/** The table that `decide` follows. */
export function describeStateMachine(): {
  readonly states: readonly State[];
  readonly transitions: readonly Transition[];
} {
  return { states: STATES, transitions: TRANSITIONS };
}
