import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/**
 * What happens to a message that a client sends:
 * - lose-request: it is dropped; both sides see the connection close
 * - lose-answer: it is delivered and executed, but the client receives nothing more and sees the
 *   connection close
 */
export type Disruption = "lose-request" | "lose-answer";

/** How new connections are treated: forwarded, closed at once, or accepted without any answer. */
export type AcceptMode = "open" | "closed" | "silent";

export type Direction = "to server" | "to client";

/** A TCP proxy that injects network faults. */
export interface TcpProxy {
  /** Port on 127.0.0.1. */
  readonly port: number;
  /** Number of disruptions that have not happened yet. */
  readonly pendingDisruptions: number;
  /** Number of connections that were not forwarded. */
  readonly rejectedConnections: number;
  /**
   * Disrupts the next message from a client that matches, and the `times` - 1 matching ones after
   * it.
   */
  disruptNext(matches: (message: Buffer) => boolean, disruption: Disruption, options?: DisruptOptions): void;
  /** Cancels pending disruptions. */
  clearDisruptions(): void;
  /** For new connections; open ones are kept. */
  setAcceptMode(mode: AcceptMode): void;
  /** Closes all open connections. */
  closeConnections(): void;
  /**
   * Drops bytes in these directions on open and new connections, while both sides stay
   * connected. Nothing is delivered in part: when a direction is restored, connections that
   * have lost bytes are closed.
   */
  blackhole(directions: readonly Direction[]): void;
  /** Delays bytes in both directions, in milliseconds; 0 for no delay. */
  setDelay(ms: number): void;
  close(): Promise<void>;
}

export interface DisruptOptions {
  /** 1 by default. */
  readonly times?: number;
  /**
   * Time between the lost answer and the close of the connection, in milliseconds; 0 by default.
   */
  readonly silentMs?: number;
}

interface PlannedDisruption {
  readonly matches: (message: Buffer) => boolean;
  readonly disruption: Disruption;
  readonly silentMs: number;
  left: number;
}

/** A client's connection and the connection to the server that belongs to it. */
interface Pair {
  /** Bytes were dropped: the pair can only be closed. */
  corrupted: boolean;
  destroy(): void;
}

/**
 * How long the server side stays open after a lost answer, in milliseconds, so that the request is
 * executed to its end.
 */
const EXECUTE_MS = 10_000;

/** @param target evaluated for each new connection */
export async function openTcpProxy(
  target: () => { readonly host: string; readonly port: number },
  port = 0,
): Promise<TcpProxy> {
  const pairs = new Set<Pair>();
  const planned: PlannedDisruption[] = [];
  let acceptMode: AcceptMode = "open";
  let dropped: readonly Direction[] = [];
  let delayMs = 0;
  let rejected = 0;

  function serve(client: Socket): void {
    client.on("error", () => {});
    if (acceptMode !== "open") {
      rejected += 1;
      if (acceptMode === "closed") {
        client.destroy();
        return;
      }
    }
    const upstream = acceptMode === "open" ? connect(target()) : undefined;
    upstream?.on("error", () => {});
    const pair: Pair = {
      corrupted: false,
      destroy() {
        client.destroy();
        upstream?.destroy();
      },
    };
    pairs.add(pair);
    const release = () => {
      if (client.destroyed && upstream?.destroyed !== false) {
        pairs.delete(pair);
      }
    };
    client.on("close", release);
    if (upstream === undefined) {
      client.resume();
      return;
    }
    upstream.on("close", release);
    // Bytes that one side sent before it closed are delivered before the other side is closed.
    const toClient = pipe(upstream, client, "to client", pair);
    const toServer = pipe(client, upstream, "to server", pair);
    upstream.on("data", toClient.write);
    upstream.on("close", toClient.end);
    client.on("close", toServer.end);
    client.on("data", (data) => {
      const plan = planned.find(({ matches, left }) => left > 0 && matches(data));
      if (plan === undefined) {
        toServer.write(data);
        return;
      }
      plan.left -= 1;
      if (plan.disruption === "lose-request") {
        pair.destroy();
        return;
      }
      client.off("close", toServer.end);
      upstream.off("data", toClient.write);
      upstream.resume();
      toServer.write(data);
      setTimeout(() => client.destroy(), plan.silentMs);
      setTimeout(() => upstream.destroySoon(), plan.silentMs + EXECUTE_MS).unref();
    });
  }

  /** Forwards bytes, or drops or delays them as configured when they arrive. */
  function pipe(
    from: Socket,
    to: Socket,
    direction: Direction,
    pair: Pair,
  ): { write(data: Buffer): void; end(): void } {
    /** Resolves when everything delayed so far has been written; later bytes wait for it. */
    let delayed: Promise<void> | undefined;
    const now = (data: Buffer) => {
      if (!to.destroyed && !to.write(data)) {
        from.pause();
        to.once("drain", () => from.resume());
      }
    };
    const later = (work: () => void) => {
      const due = new Promise<void>((resolve) => setTimeout(resolve, delayMs));
      const mine = Promise.all([delayed, due]).then(() => {
        work();
        if (delayed === mine) {
          delayed = undefined;
        }
      });
      delayed = mine;
    };
    return {
      write(data) {
        if (dropped.includes(direction)) {
          pair.corrupted = true;
        } else if (delayMs === 0 && delayed === undefined) {
          now(data);
        } else {
          later(() => now(data));
        }
      },
      end() {
        if (delayed === undefined) {
          to.destroySoon();
        } else {
          later(() => to.destroySoon());
        }
      },
    };
  }

  const server = createServer(serve).listen(port, "127.0.0.1");
  await once(server, "listening");

  const closePairs = (which: (pair: Pair) => boolean = () => true) => {
    for (const pair of [...pairs].filter(which)) {
      pair.destroy();
    }
  };
  return {
    port: (server.address() as AddressInfo).port,
    get pendingDisruptions() {
      return planned.reduce((sum, { left }) => sum + left, 0);
    },
    get rejectedConnections() {
      return rejected;
    },
    disruptNext(matches, disruption, { times = 1, silentMs = 0 } = {}) {
      planned.push({ matches, disruption, silentMs, left: times });
    },
    clearDisruptions() {
      planned.length = 0;
    },
    setAcceptMode(mode) {
      acceptMode = mode;
    },
    closeConnections: () => closePairs(),
    blackhole(directions) {
      const restored = dropped.some((direction) => !directions.includes(direction));
      dropped = directions;
      if (restored) {
        closePairs(({ corrupted }) => corrupted);
      }
    },
    setDelay(ms) {
      delayMs = ms;
    },
    async close() {
      const closed = once(server, "close");
      server.close();
      closePairs();
      await closed;
    },
  };
}
