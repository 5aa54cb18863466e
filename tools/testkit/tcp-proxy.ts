import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/**
 * What becomes of a message that a client sends:
 * - lose-request: it never arrives; both sides see the connection end
 * - lose-answer: it arrives and is carried out, but the client hears nothing more and sees the connection end
 */
export type Disruption = "lose-request" | "lose-answer";

/** What new connections meet: a way through, a closed door, or silence. */
export type AcceptMode = "open" | "closed" | "silent";

/** The direction in which bytes go. */
export type Direction = "to server" | "to client";

/** A way to a server that can be made to break in between. */
export interface TcpProxy {
  /** Of 127.0.0.1. */
  readonly port: number;
  /** How many accidents are still to come. */
  readonly pendingDisruptions: number;
  /** How many connections met a door that was not open. */
  readonly rejectedConnections: number;
  /** The next message that a client sends and that is meant meets with the accident; so do the `times` - 1 after it. */
  disruptNext(isMeant: (message: Buffer) => boolean, accident: Disruption, options?: DisruptOptions): void;
  /** No accidents any more. */
  clearDisruptions(): void;
  /** For new connections; those that are open stay. */
  setAcceptMode(door: AcceptMode): void;
  /** Ends all open connections. */
  closeConnections(): void;
  /**
   * From now on bytes that go these ways disappear, of open connections and of new ones, while both sides believe in them. Nobody gets
   * half of what was sent: when it ends (no ways), connections that have lost bytes are cut.
   */
  blackhole(ways: readonly Direction[]): void;
  /** Bytes arrive so many milliseconds late, in both directions; 0 for none. */
  setDelay(ms: number): void;
  close(): Promise<void>;
}

export interface DisruptOptions {
  /** 1 unless told. */
  readonly times?: number;
  /** For so many milliseconds the client hears nothing before it sees the connection end; 0 unless told. */
  readonly silentMs?: number;
}

interface Plan {
  readonly isMeant: (message: Buffer) => boolean;
  readonly accident: Disruption;
  readonly silentMs: number;
  left: number;
}

/** One client's connection, and ours to the server for it. */
interface Pair {
  /** It has lost bytes: it can only end. */
  spoilt: boolean;
  destroy(): void;
}

/** A connection whose client is gone stays open to the server for so long, so that what was sent is carried out to its end. */
const CARRIED_OUT_MS = 10_000;

/** @param target asked for each new connection */
export async function openTcpProxy(
  target: () => { readonly host: string; readonly port: number },
  port = 0,
): Promise<TcpProxy> {
  const pairs = new Set<Pair>();
  const plans: Plan[] = [];
  let door: AcceptMode = "open";
  let swallowed: readonly Direction[] = [];
  let delayMs = 0;
  let turnedAway = 0;

  function serve(client: Socket): void {
    client.on("error", () => {});
    if (door !== "open") {
      turnedAway += 1;
      if (door === "closed") {
        client.destroy();
        return;
      }
    }
    const upstream = door === "open" ? connect(target()) : undefined;
    upstream?.on("error", () => {});
    const pair: Pair = {
      spoilt: false,
      destroy() {
        client.destroy();
        upstream?.destroy();
      },
    };
    pairs.add(pair);
    const forget = () => {
      if (client.destroyed && upstream?.destroyed !== false) {
        pairs.delete(pair);
      }
    };
    client.on("close", forget);
    if (upstream === undefined) {
      client.resume();
      return;
    }
    upstream.on("close", forget);
    // What the other side sent last still arrives: its end is told after it.
    const toClient = pipe(upstream, client, "to client", pair);
    const toServer = pipe(client, upstream, "to server", pair);
    upstream.on("data", toClient.write);
    upstream.on("close", toClient.end);
    client.on("close", toServer.end);
    client.on("data", (data) => {
      const plan = plans.find(({ isMeant, left }) => left > 0 && isMeant(data));
      if (plan === undefined) {
        toServer.write(data);
        return;
      }
      plan.left -= 1;
      if (plan.accident === "lose-request") {
        pair.destroy();
        return;
      }
      client.off("close", toServer.end);
      upstream.off("data", toClient.write);
      upstream.resume();
      toServer.write(data);
      setTimeout(() => client.destroy(), plan.silentMs);
      setTimeout(() => upstream.destroySoon(), plan.silentMs + CARRIED_OUT_MS).unref();
    });
  }

  /** Brings bytes on, as the weather is when they come. */
  function pipe(from: Socket, to: Socket, way: Direction, pair: Pair): { write(data: Buffer): void; end(): void } {
    /** What is late, oldest first; nothing may overtake it. */
    let late: Promise<void> | undefined;
    const now = (data: Buffer) => {
      if (!to.destroyed && !to.write(data)) {
        from.pause();
        to.once("drain", () => from.resume());
      }
    };
    const later = (work: () => void) => {
      const due = new Promise<void>((resolve) => setTimeout(resolve, delayMs));
      const mine = Promise.all([late, due]).then(() => {
        work();
        if (late === mine) {
          late = undefined;
        }
      });
      late = mine;
    };
    return {
      write(data) {
        if (swallowed.includes(way)) {
          pair.spoilt = true;
        } else if (delayMs === 0 && late === undefined) {
          now(data);
        } else {
          later(() => now(data));
        }
      },
      end() {
        if (late === undefined) {
          to.destroySoon();
        } else {
          later(() => to.destroySoon());
        }
      },
    };
  }

  const server = createServer(serve).listen(port, "127.0.0.1");
  await once(server, "listening");

  const cut = (which: (pair: Pair) => boolean = () => true) => {
    for (const pair of [...pairs].filter(which)) {
      pair.destroy();
    }
  };
  return {
    port: (server.address() as AddressInfo).port,
    get pendingDisruptions() {
      return plans.reduce((sum, { left }) => sum + left, 0);
    },
    get rejectedConnections() {
      return turnedAway;
    },
    disruptNext(isMeant, accident, { times = 1, silentMs = 0 } = {}) {
      plans.push({ isMeant, accident, silentMs, left: times });
    },
    clearDisruptions() {
      plans.length = 0;
    },
    setAcceptMode(next) {
      door = next;
    },
    closeConnections: () => cut(),
    blackhole(ways) {
      const ended = swallowed.some((way) => !ways.includes(way));
      swallowed = ways;
      if (ended) {
        cut(({ spoilt }) => spoilt);
      }
    },
    setDelay(ms) {
      delayMs = ms;
    },
    async close() {
      const closed = once(server, "close");
      server.close();
      cut();
      await closed;
    },
  };
}
