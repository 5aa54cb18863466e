import { MAX_BUFFERED_BYTES, UNREAD_RESPONSE_MS } from "../limits.ts";

/** Something that a caller reads as fast as it likes. */
export interface Outgoing {
  /** Bytes that wait to be read. */
  readonly writableLength: number;
}

/** Looks after answers that nobody reads. */
export interface UnreadResponses {
  /**
   * @param cut ends it
   * @returns to be called when it is over
   */
  add(answer: Outgoing, cut: () => void): () => void;
  /** To be called now and then. */
  check(now: number): void;
}

interface Waiting {
  readonly answer: Outgoing;
  readonly cut: () => void;
  /** At the last look, and since when that many. */
  bytes: number;
  since: number;
}

/** Cuts those of which nothing was read for long; and the greatest, when all together hold more than there is room for. */
export function createUnreadResponses(max = MAX_BUFFERED_BYTES, patienceMs = UNREAD_RESPONSE_MS): UnreadResponses {
  const answers = new Set<Waiting>();
  return {
    add(answer, cut) {
      const waiting = { answer, cut, bytes: 0, since: 0 };
      answers.add(waiting);
      return () => answers.delete(waiting);
    },
    check(now) {
      let held = 0;
      const stuck: Waiting[] = [];
      for (const waiting of answers) {
        const bytes = waiting.answer.writableLength;
        if (bytes === 0 || bytes !== waiting.bytes) {
          waiting.bytes = bytes;
          waiting.since = now;
        } else if (now - waiting.since > patienceMs) {
          waiting.cut();
        }
        if (bytes > 0) {
          held += bytes;
          stuck.push(waiting);
        }
      }
      if (held > max) {
        for (const { cut, bytes } of stuck.sort((a, b) => b.bytes - a.bytes)) {
          cut();
          held -= bytes;
          if (held <= max) {
            return;
          }
        }
      }
    },
  };
}
