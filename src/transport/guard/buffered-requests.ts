import { MAX_BUFFERED_BYTES, SMALL_REQUEST_BYTES } from "../limits.ts";

/** A request whose body comes piece by piece, of HTTP/1.1 or of HTTP/2. */
export interface Incoming {
  push(chunk: unknown, encoding?: BufferEncoding): boolean;
  once(event: "close", listener: () => void): unknown;
}

/** Counts the bytes of all requests that are not yet whole, as they are held until then. */
export interface BufferedRequests {
  /** @param cut ends a request when there is no room for more of it; small ones always have room */
  track(request: Incoming, cut: () => void): void;
}

export function createBufferedRequests(max = MAX_BUFFERED_BYTES): BufferedRequests {
  let held = 0;
  return {
    track(request, cut) {
      let own = 0;
      const release = () => {
        held -= own;
        own = 0;
      };
      const { push } = request;
      // Not by an event: a listener for data would set the request flowing before there is somebody who reads it.
      request.push = (chunk, encoding) => {
        if (chunk === null) {
          release();
        } else {
          const { length } = chunk as Buffer;
          own += length;
          held += length;
          if (held > max && own > SMALL_REQUEST_BYTES) {
            cut();
          }
        }
        return push.call(request, chunk, encoding);
      };
      request.once("close", release);
    },
  };
}

/** Whether a request says that it is small: most do, and need not be counted. */
export function isSmallRequest(contentLength: string | undefined, chunked: boolean): boolean {
  return !chunked && Number(contentLength ?? 0) <= SMALL_REQUEST_BYTES;
}
