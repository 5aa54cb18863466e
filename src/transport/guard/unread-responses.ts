import { MAX_BUFFERED_BYTES, UNREAD_RESPONSE_MS } from "../limits.ts";

/** A response that its caller reads at its own pace. */
export interface Outgoing {
  /** Bytes waiting to be read. */
  readonly writableLength: number;
}

/** Limits the responses that are not read. */
export interface UnreadResponses {
  /**
   * @param cancel closes the response
   * @returns to be called when the response has ended
   */
  add(response: Outgoing, cancel: () => void): () => void;
  /** Called periodically. */
  check(now: number): void;
}

interface Entry {
  readonly response: Outgoing;
  readonly cancel: () => void;
  /** Unread bytes at the last check, and since when they have not changed. */
  bytes: number;
  since: number;
}

/**
 * Cancels responses that made no progress for too long; and the largest ones while all together
 * buffer too much.
 */
export function createUnreadResponses(maxBytes = MAX_BUFFERED_BYTES, timeoutMs = UNREAD_RESPONSE_MS): UnreadResponses {
  const entries = new Set<Entry>();
  return {
    add(response, cancel) {
      const entry = { response, cancel, bytes: 0, since: 0 };
      entries.add(entry);
      return () => entries.delete(entry);
    },
    check(now) {
      let buffered = 0;
      const unread: Entry[] = [];
      for (const entry of entries) {
        const bytes = entry.response.writableLength;
        if (bytes === 0 || bytes !== entry.bytes) {
          entry.bytes = bytes;
          entry.since = now;
        } else if (now - entry.since > timeoutMs) {
          entry.cancel();
        }
        if (bytes > 0) {
          buffered += bytes;
          unread.push(entry);
        }
      }
      if (buffered > maxBytes) {
        for (const { cancel, bytes } of unread.sort((a, b) => b.bytes - a.bytes)) {
          cancel();
          buffered -= bytes;
          if (buffered <= maxBytes) {
            return;
          }
        }
      }
    },
  };
}
