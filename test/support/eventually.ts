import { vi } from "vitest";

/** How long a condition is waited for, in milliseconds: far beyond what a slow machine needs. */
const LIMIT_MS = 20_000;

/** Retries a check until it passes, for up to 20 s; then fails with its last error. */
export function eventually<T>(check: () => T | Promise<T>, intervalMs = 20): Promise<T> {
  return vi.waitFor(check, { timeout: LIMIT_MS, interval: intervalMs });
}
