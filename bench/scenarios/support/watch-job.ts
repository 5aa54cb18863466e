/** Watchers of one process, each with a stream of its own. */
export interface WatchJob {
  readonly port: number;
  readonly watchers: number;
  /** The orders of each, one after the other: the first watcher's, the second's, and from the beginning again. */
  readonly orders: { readonly first: string; readonly count: number };
  readonly ordersPerWatcher: number;
  /** All of them watch this one too. */
  readonly common: string;
}

/** Told when every watcher has been told where its orders stand. */
export interface WatchersReady {
  readonly seconds: number;
}

/** Told at the end. */
export interface WatchReport {
  readonly changes: readonly WatchedChange[];
  /** Streams that ended, whyever. */
  readonly lost: number;
  /** Changes of an order that came to a watcher out of turn, or twice. */
  readonly outOfOrder: number;
}

/** What the watchers heard of one change. */
export interface WatchedChange {
  readonly orderId: string;
  /** How many watchers were told, and how many had to be. */
  readonly received: number;
  readonly watching: number;
  /** The change's own time, in milliseconds since 1970. */
  readonly recordTime: number;
  /** When the last one was told. */
  readonly lastReceivedTime: number;
}
