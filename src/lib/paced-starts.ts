/** Starts calls, a few per turn of the event loop: a client may open hundreds in one packet. */
export type PacedStarts = (start: () => boolean) => void;

/**
 * @param perTurn maximum number of calls started in a turn
 * @returns takes a function that starts a call, or returns false where there is nothing to start
 *   any more, which counts as none
 */
export function createPacedStarts(perTurn: number): PacedStarts {
  let waiting: (() => boolean)[] = [];
  let scheduled = false;

  function schedule(): void {
    if (!scheduled && waiting.length > 0) {
      scheduled = true;
      setImmediate(startSome);
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
    schedule();
  }

  return (start) => {
    waiting.push(start);
    schedule();
  };
}
