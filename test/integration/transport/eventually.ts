import { vi } from "vitest";

/** Waits until a fact is so, and fails with its last difference when it is not in time; a busy machine may take a while. */
export function eventually<T>(check: () => T | Promise<T>, intervalMs = 20): Promise<T> {
  return vi.waitFor(check, { timeout: 10_000, interval: intervalMs });
}
