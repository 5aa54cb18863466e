/** A consumer that has something to deliver, may deliver, and does not. */
export type StallVerdict = "moves" | "stands still" | "still stands still";

/** What the broker says of a consumer, as far as it matters here. */
export interface ConsumerState {
  readonly delivered: { readonly consumer_seq: number };
  readonly num_pending: number;
  readonly num_ack_pending: number;
  readonly config: { readonly max_ack_pending?: number };
}

/** So many looks in a row without movement make a stall. */
const LOOKS = 3;

/** Looks at a consumer again and again. Make a new one when the consumer was opened again. */
export function createStallDetector(): {
  check(info: ConsumerState): StallVerdict;
} {
  let delivered = -1;
  let looks = 0;
  return {
    check(info) {
      const { consumer_seq } = info.delivered;
      const limit = info.config.max_ack_pending ?? Number.POSITIVE_INFINITY;
      const idle = info.num_pending === 0 || info.num_ack_pending >= limit;
      if (idle || consumer_seq !== delivered) {
        delivered = consumer_seq;
        looks = 0;
        return "moves";
      }
      looks += 1;
      return looks === LOOKS ? "stands still" : looks === 2 * LOOKS ? "still stands still" : "moves";
    },
  };
}
