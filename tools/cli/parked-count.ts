import type { Session } from "./session.ts";

/** Number of events an Action has parked now. */
export async function countParked(session: Session, action: string): Promise<bigint> {
  const { actions } = await session.actions.listActions({});
  return actions.find(({ name }) => name === action)?.parked ?? 0n;
}
