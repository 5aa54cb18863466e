/** Connects what makes ledger entries due on this server with the loop that runs them. */
export interface DueSignal {
  /** Entries are due at this time; at once without one. */
  notify(at?: Date): void;
  /** Calls the listener for each notification; there is one at a time. */
  listen(listener: (at: Date | undefined) => void): void;
}

export function createDueSignal(): DueSignal {
  let notifyListener: (at: Date | undefined) => void = () => {};
  return {
    notify: (at) => notifyListener(at),
    listen(listener) {
      notifyListener = listener;
    },
  };
}
