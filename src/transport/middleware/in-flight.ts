import type { Message } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Handler, Interceptor } from "../call.ts";

/** The calls that are under way, for a server that wants to end without breaking one. */
export interface InFlight {
  /** Counts; and gives each stream an end from outside. */
  readonly interceptor: Interceptor;
  /** How many unary calls are under way. */
  unaryCount(): number;
  /** Ends all streams, those that come later too. */
  endStreams(reason: Error): void;
  /** Resolves when no unary call is under way. */
  unaryIdle(): Promise<void>;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
}

export function trackInFlight(): InFlight {
  const streams = new Set<AbortController>();
  let unary = 0;
  let ended: Error | undefined;
  const waiting = new Set<{ readonly isOver: () => boolean; readonly resolve: () => void }>();

  function until(isOver: () => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.add({ isOver, resolve });
    left();
    return promise;
  }

  function left(): void {
    for (const waiter of waiting) {
      if (waiter.isOver()) {
        waiting.delete(waiter);
        waiter.resolve();
      }
    }
  }

  const countStream = (next: Handler): Handler =>
    async function* (request, call) {
      const client = call.signal;
      const stream = new AbortController();
      call.signal = stream.signal;
      streams.add(stream);
      const messages = (next(request, call) as AsyncIterable<Message>)[Symbol.asyncIterator]();
      const leave = () => {
        client.removeEventListener("abort", gone);
        streams.delete(stream);
        left();
      };
      // A front that is stuck in a write to a client that is gone asks for no further message: then nobody but us can end this.
      const gone = () => {
        stream.abort(reasonOf(client));
        Promise.resolve(messages.return?.()).then(leave, leave);
      };
      client.addEventListener("abort", gone);
      if (ended !== undefined) {
        stream.abort(ended);
      } else if (client.aborted) {
        gone();
      }
      try {
        // Not yield*: what a front throws in (its connection broke) would look like an error of the handler's.
        for await (const message of { [Symbol.asyncIterator]: () => messages }) {
          yield message;
        }
      } finally {
        leave();
      }
    };

  const countUnary =
    (next: Handler): Handler =>
    async (request, call) => {
      unary += 1;
      try {
        return await (next(request, call) as Promise<Message>);
      } finally {
        unary -= 1;
        left();
      }
    };

  return {
    interceptor: (next, rpc) => (rpc.streams ? countStream(next) : countUnary(next)),
    unaryCount: () => unary,
    endStreams(reason) {
      ended = reason;
      for (const stream of streams) {
        stream.abort(reason);
      }
    },
    unaryIdle: () => until(() => unary === 0),
    idle: () => until(() => unary === 0 && streams.size === 0),
  };
}

/** A connection that breaks has many errors, some of which look like ours. */
function reasonOf({ reason }: AbortSignal): Error {
  return reason instanceof ConnectError && reason.code === Code.DeadlineExceeded ? reason : clientDisconnected();
}

export function clientDisconnected(): ConnectError {
  return new ConnectError("the client went away", Code.Canceled);
}
