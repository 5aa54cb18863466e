import type { Lease } from "../../src/store/leases/index.ts";

/** A lease that a test passes between this server and another one. */
export function createTestLease(heldAtStart: boolean): Lease & { move(held: boolean): void } {
  let held = heldAtStart;
  const listeners: (() => void)[] = [];
  return {
    isHeld: () => held,
    isHeldElsewhere: () => !held,
    onChange: (listener) => void listeners.push(listener),
    move(toThisServer) {
      held = toThisServer;
      for (const listener of listeners) {
        listener();
      }
    },
  };
}
