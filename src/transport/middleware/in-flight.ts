import type { Message } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Handler, Interceptor } from "../call.ts";

/** The calls in flight, for load shedding and for a graceful shutdown. */
export interface InFlight {
  /** Counts calls, and makes streams abortable. */
  readonly interceptor: Interceptor;
  /** Unary calls in flight. */
  unaryCount(): number;
  /** Ends all streams, later ones included. */
  endStreams(reason: Error): void;
  /** Resolves when no unary call is in flight. */
  unaryIdle(): Promise<void>;
  /** Resolves when no call is in flight. */
  idle(): Promise<void>;
}

export function trackInFlight(): InFlight {
  const streams = new Set<AbortController>();
  let unary = 0;
  let endReason: Error | undefined;
  const waiters = new Set<{ readonly isIdle: () => boolean; readonly resolve: () => void }>();

  function until(isIdle: () => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    waiters.add({ isIdle, resolve });
    notifyWaiters();
    return promise;
  }

  function notifyWaiters(): void {
    for (const waiter of waiters) {
      if (waiter.isIdle()) {
        waiters.delete(waiter);
        waiter.resolve();
      }
    }
  }

  const trackStream = (next: Handler): Handler =>
    async function* (request, call) {
      const client = call.signal;
      const stream = new AbortController();
      call.signal = stream.signal;
      streams.add(stream);
      const messages = (next(request, call) as AsyncIterable<Message>)[Symbol.asyncIterator]();
      const leave = () => {
        client.removeEventListener("abort", onDisconnect);
        streams.delete(stream);
        notifyWaiters();
      };
      // A transport blocked in a write to a disconnected client requests no further message: only
      // this ends the stream.
      const onDisconnect = () => {
        stream.abort(abortReason(client));
        Promise.resolve(messages.return?.()).then(leave, leave);
      };
      client.addEventListener("abort", onDisconnect);
      if (endReason !== undefined) {
        stream.abort(endReason);
      } else if (client.aborted) {
        onDisconnect();
      }
      try {
        // Not yield*: an error thrown in by the transport (broken connection) would look like the
        // handler's.
        for await (const message of { [Symbol.asyncIterator]: () => messages }) {
          yield message;
        }
      } finally {
        leave();
      }
    };

  const trackUnary =
    (next: Handler): Handler =>
    async (request, call) => {
      unary += 1;
      try {
        return await (next(request, call) as Promise<Message>);
      } finally {
        unary -= 1;
        notifyWaiters();
      }
    };

  return {
    interceptor: (next, { streaming }) => (streaming ? trackStream(next) : trackUnary(next)),
    unaryCount: () => unary,
    endStreams(reason) {
      endReason = reason;
      for (const stream of streams) {
        stream.abort(reason);
      }
    },
    unaryIdle: () => until(() => unary === 0),
    idle: () => until(() => unary === 0 && streams.size === 0),
  };
}

/** A broken connection has various errors, some of which look like ours. */
function abortReason({ reason }: AbortSignal): Error {
  return reason instanceof ConnectError && reason.code === Code.DeadlineExceeded ? reason : clientDisconnected();
}

export function clientDisconnected(): ConnectError {
  return new ConnectError("client disconnected", Code.Canceled);
}
