import { MAX_BUFFERED_BYTES, SMALL_REQUEST_BYTES } from "../limits.ts";

/** A request whose body arrives in chunks, over HTTP/1.1 or HTTP/2. */
export interface Incoming {
  push(chunk: unknown, encoding?: BufferEncoding): boolean;
  once(event: "close", listener: () => void): unknown;
}

/** Limits the bytes of incomplete requests, which are buffered until complete. */
export interface BufferedRequests {
  /** @param cancel closes the request when the limit is exceeded; never called for a small one */
  track(request: Incoming, cancel: () => void): void;
}

export function createBufferedRequests(maxBytes = MAX_BUFFERED_BYTES): BufferedRequests {
  let buffered = 0;
  return {
    track(request, cancel) {
      let own = 0;
      const release = () => {
        buffered -= own;
        own = 0;
      };
      const { push } = request;
      // Not a "data" listener: it would start the flow before the request has a reader.
      request.push = (chunk, encoding) => {
        if (chunk === null) {
          release();
        } else {
          const { length } = chunk as Buffer;
          own += length;
          buffered += length;
          if (buffered > maxBytes && own > SMALL_REQUEST_BYTES) {
            cancel();
          }
        }
        return push.call(request, chunk, encoding);
      };
      request.once("close", release);
    },
  };
}

/** Whether a request announces a small body: most do, and are not tracked. */
export function isSmallRequest(contentLength: string | undefined, chunked: boolean): boolean {
  return !chunked && Number(contentLength ?? 0) <= SMALL_REQUEST_BYTES;
}
