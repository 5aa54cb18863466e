/** Maximum pieces of work in a turn of the event loop. */
const MAX_PER_TURN = 8;

/** Time in a turn after which no further piece starts, in milliseconds. */
const BUDGET_MS = 1;

/** Maximum rest after a turn, in milliseconds: a pause of the process counts as used time. */
const MAX_REST_MS = 20;

/**
 * Spreads work over turns of the event loop. After pieces that take long follows as much rest, so
 * that other work has half of the time; light ones do not rest. What a piece does after it has
 * waited for something is not counted.
 *
 * @returns resolves when the next piece may start
 */
export function createTimeShare(): () => Promise<void> {
  const waiting: (() => void)[] = [];
  let running = false;

  function runTurn(): void {
    let usedMs = 0;
    let startedAt: number | undefined;
    const endPiece = () => {
      usedMs += startedAt === undefined ? 0 : performance.now() - startedAt;
      startedAt = undefined;
    };
    // All in the next turn. What a piece does at once ends before the next callback.
    for (let piece = 0; piece < MAX_PER_TURN; piece += 1) {
      setImmediate(() => {
        endPiece();
        const start = usedMs < BUDGET_MS ? waiting.shift() : undefined;
        if (start !== undefined) {
          startedAt = performance.now();
          start();
        }
      });
    }
    setImmediate(() => {
      endPiece();
      if (waiting.length === 0) {
        running = false;
      } else if (usedMs < BUDGET_MS) {
        runTurn();
      } else {
        setTimeout(runTurn, Math.min(usedMs, MAX_REST_MS));
      }
    });
  }

  return () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      if (!running) {
        running = true;
        runTurn();
      }
    });
}
