import {
  CHUNK_COST_BYTES,
  MAX_BUFFERED_BYTES,
  MAX_BUFFERED_SHARE_PER_ADDRESS,
  MAX_SMALL_CHUNKS,
  SMALL_CHUNK_BYTES,
  SMALL_CHUNKS_PER_REQUEST,
  SMALL_REQUEST_BYTES,
} from "../limits.ts";

/** A request whose body arrives in chunks: over HTTP/1.1, or in DATA frames over HTTP/2. */
export interface Incoming {
  push(chunk: unknown, encoding?: BufferEncoding): boolean;
  once(event: "close", listener: () => void): unknown;
  /** Over HTTP/2: whether it has been answered, so that nothing reads the rest of its body. */
  readonly writableEnded?: boolean;
}

/** What closes a request. */
export interface Closing {
  /** Closes the request alone. */
  cancel(): void;
  /** Closes its connection. */
  disconnect(): void;
}

/** Limits what the bodies of incomplete requests cost: memory, and the time to read each chunk. */
export interface RequestBodies {
  /** @param address of the client */
  track(request: Incoming, address: string, closing: Closing): void;
  /** Called once per second. */
  reset(): void;
}

/** A request whose body is incomplete. */
interface Body {
  /** Buffered bytes, each chunk with its overhead. */
  bytes: number;
  closed: boolean;
  readonly cancel: () => void;
}

/** The incomplete requests of one address. */
interface Sender {
  readonly bodies: Set<Body>;
  /** Buffered bytes of all of them. */
  bytes: number;
  /** Small chunks in this second, beyond those allowed for each request. */
  smallChunks: number;
}

/**
 * A chunk costs its bytes and the objects that hold it. While all requests together buffer too
 * much, those that are not small are cancelled as they grow; while those of one address do, its
 * largest ones. An address that sends too many small chunks loses the connection of the next one:
 * each takes as much time as a large one.
 */
export function createRequestBodies(maxBytes = MAX_BUFFERED_BYTES, maxSmallChunks = MAX_SMALL_CHUNKS): RequestBodies {
  const maxBytesPerAddress = maxBytes * MAX_BUFFERED_SHARE_PER_ADDRESS;
  const senders = new Map<string, Sender>();
  let total = 0;

  function senderAt(address: string): Sender {
    let sender = senders.get(address);
    if (sender === undefined) {
      sender = { bodies: new Set(), bytes: 0, smallChunks: 0 };
      senders.set(address, sender);
    }
    return sender;
  }

  function add(sender: Sender, body: Body, bytes: number): void {
    body.bytes += bytes;
    sender.bytes += bytes;
    total += bytes;
  }

  function close(sender: Sender, body: Body): void {
    add(sender, body, -body.bytes);
    body.closed = true;
    sender.bodies.delete(body);
  }

  function enforce(sender: Sender, body: Body): void {
    if (total > maxBytes && body.bytes > SMALL_REQUEST_BYTES) {
      close(sender, body);
      body.cancel();
    }
    while (sender.bytes > maxBytesPerAddress) {
      const largest = [...sender.bodies].reduce((one, other) => (other.bytes > one.bytes ? other : one));
      close(sender, largest);
      largest.cancel();
    }
  }

  return {
    track(request, address, { cancel, disconnect }) {
      const sender = senderAt(address);
      const body: Body = { bytes: 0, closed: false, cancel };
      sender.bodies.add(body);
      let smallChunks = 0;
      const { push } = request;
      // Not a "data" listener: it would start the flow before the request has a reader.
      request.push = (chunk, encoding) => {
        if (chunk === null) {
          close(sender, body);
          return push.call(request, chunk, encoding);
        }
        const { length } = chunk as Buffer;
        if (length < SMALL_CHUNK_BYTES) {
          smallChunks += 1;
          if (smallChunks > SMALL_CHUNKS_PER_REQUEST) {
            sender.smallChunks += 1;
            if (sender.smallChunks > maxSmallChunks) {
              disconnect();
              return false;
            }
          }
        }
        if (request.writableEnded === true || body.closed) {
          return true;
        }
        add(sender, body, length + CHUNK_COST_BYTES);
        enforce(sender, body);
        return push.call(request, chunk, encoding);
      };
      request.once("close", () => close(sender, body));
    },
    reset() {
      for (const [address, sender] of senders) {
        if (sender.bodies.size === 0) {
          senders.delete(address);
        }
        sender.smallChunks = 0;
      }
    },
  };
}
