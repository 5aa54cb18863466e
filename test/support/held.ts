/**
 * Longest time that a request may hold the event loop at a stretch, in milliseconds, on a machine
 * where the reference work takes `REFERENCE_MS`.
 */
export const MAX_HELD_MS = 50;

/** Measurements, of which the shortest counts: other load only adds to them. */
const ATTEMPTS = 8;

const REFERENCE_MS = 15;
const REFERENCE = JSON.stringify(Array.from({ length: 50_000 }, (_, index) => ({ name: `item ${index}`, index })));

/**
 * Processor time of the test's own thread, in milliseconds, which does not grow while others have
 * the processor, converted to that of a machine of the reference speed if this one is slower.
 * Measures again while it is close to the limit.
 */
export function heldMs(work: () => unknown): number {
  const shortest = shortestMs(work, MAX_HELD_MS / 4);
  if (shortest < MAX_HELD_MS / 4) {
    return shortest;
  }
  return shortest / Math.max(1, shortestMs(() => JSON.parse(REFERENCE), 0) / REFERENCE_MS);
}

/** The shortest of several measurements, of which none follows one below `enoughMs`. */
function shortestMs(work: () => unknown, enoughMs: number): number {
  let shortest = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < ATTEMPTS && shortest > enoughMs; attempt += 1) {
    const before = process.threadCpuUsage();
    work();
    const { user, system } = process.threadCpuUsage(before);
    shortest = Math.min(shortest, (user + system) / 1_000);
  }
  return shortest;
}
