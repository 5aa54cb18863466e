/** Starts calls, a few per turn of the event loop: a client may open hundreds in one packet. */
export type PacedStarts = (start: () => boolean) => void;

/**
 * @param perTurn maximum number of calls started in a turn
 * @param nextTurn calls a function in a later turn; default: in the next one
 * @returns takes a function that starts a call, or returns false where there is nothing to start
 *   any more, which counts as none
 */
export function createPacedStarts(perTurn: number, nextTurn: (start: () => void) => void = setImmediate): PacedStarts {
  let waiting: (() => boolean)[] = [];
  let scheduled = false;

  function schedule(turn: (start: () => void) => void): void {
    if (!scheduled && waiting.length > 0) {
      scheduled = true;
      turn(startSome);
    }
  }

  function startSome(): void {
    const turn = waiting;
    waiting = [];
    let started = 0;
    let index = 0;
    for (; index < turn.length && started < perTurn; index += 1) {
      started += (turn[index] as () => boolean)() ? 1 : 0;
    }
    waiting = index < turn.length ? [...turn.slice(index), ...waiting] : waiting;
    scheduled = false;
    schedule(nextTurn);
  }

  return (start) => {
    waiting.push(start);
    schedule(setImmediate);
  };
}

/** Turns below this duration need no rest, in milliseconds. */
const SHORT_TURN_MS = 1;

/** After a turn, waits for as long as it took: other work gets half of the time. */
function afterRest(start: () => void): void {
  const beganAt = performance.now();
  setImmediate(() => {
    const tookMs = performance.now() - beganAt;
    if (tookMs < SHORT_TURN_MS) {
      start();
    } else {
      setTimeout(start, tookMs);
    }
  });
}

/**
 * Spreads work over turns of the event loop, and leaves half of the time to other work.
 *
 * @param perTurn maximum number of pieces of work in a turn
 * @returns resolves when the next piece may start
 */
export function createTurns(perTurn: number): () => Promise<void> {
  const startPaced = createPacedStarts(perTurn, afterRest);
  return () =>
    new Promise((resolve) => {
      startPaced(() => {
        resolve();
        return true;
      });
    });
}
