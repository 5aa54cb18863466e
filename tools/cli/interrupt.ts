/** A Ctrl-C reaches us from the terminal and, a moment later, from who started us: that is one wish. One that comes later is impatience. */
const SAME_WISH_MS = 1_000;

/** From now on the first Ctrl-C (or SIGTERM) aborts this signal, so that work ends in order; a second one ends the process. */
export function untilInterrupted(): AbortSignal {
  const controller = new AbortController();
  let askedAt: number | undefined;
  const ask = () => {
    askedAt ??= Date.now();
    if (Date.now() - askedAt > SAME_WISH_MS) {
      process.exit(130);
    }
    controller.abort();
  };
  process.on("SIGINT", ask);
  process.on("SIGTERM", ask);
  return controller.signal;
}
