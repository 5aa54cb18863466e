/** Starts calls, a few per turn of the event loop: a client may open hundreds in one packet. */
export type PacedStarts = (start: () => boolean) => void;

/**
 * @param perTurn maximum number of calls started in a turn
 * @returns takes a function that starts a call, or returns false where there is nothing to start
 *   any more, which counts as none
 */
export function createPacedStarts(perTurn: number): PacedStarts {
  let waiting: (() => boolean)[] = [];

  function startSome(): void {
    const turn = waiting;
    waiting = [];
    let started = 0;
    let index = 0;
    for (; index < turn.length && started < perTurn; index += 1) {
      started += (turn[index] as () => boolean)() ? 1 : 0;
    }
    waiting = index < turn.length ? [...turn.slice(index), ...waiting] : waiting;
    if (waiting.length > 0) {
      setImmediate(startSome);
    }
  }

  return (start) => {
    waiting.push(start);
    if (waiting.length === 1) {
      setImmediate(startSome);
    }
  };
}

/**
 * Spreads work over turns of the event loop.
 *
 * @param perTurn maximum number of pieces of work in a turn
 * @returns resolves when the next piece may start
 */
export function createTurns(perTurn: number): () => Promise<void> {
  const startPaced = createPacedStarts(perTurn);
  return () =>
    new Promise((resolve) => {
      startPaced(() => {
        resolve();
        return true;
      });
    });
}
