import { vi } from "vitest";

/** Retries a check until it passes, for up to 10 s; then fails with its last error. */
export function eventually<T>(check: () => T | Promise<T>, intervalMs = 20): Promise<T> {
  return vi.waitFor(check, { timeout: 10_000, interval: intervalMs });
}
