import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterAll, beforeAll } from "vitest";

/**
 * What becomes of a message that a client sends:
 * - lose-request: it never arrives; both sides see the connection end
 * - lose-answer: it arrives and is carried out, but the client sees the connection end at once
 */
export type Accident = "lose-request" | "lose-answer";

/** What new connections meet: a way through, a closed door, or silence. */
export type Door = "open" | "closed" | "silent";

/** A way to a server that can be made to break in between. */
export interface TcpProxy {
  /** The server's URL with the proxy's port. Known once the file's tests begin. */
  readonly url: string;
  /** How many accidents are still to come. */
  readonly accidentsLeft: number;
  /** The next message that a client sends with this text in it meets with the accident; so do the `times` - 1 after it. */
  arrange(text: string, accident: Accident, times?: number): void;
  /** No accidents any more. */
  disarm(): void;
  /** How many connections met a door that was not open. */
  readonly turnedAway: number;
  /** For new connections; those that are open stay. */
  setDoor(door: Door): void;
  /** Ends all open connections. */
  cut(): void;
}

interface Plan {
  readonly text: string;
  readonly accident: Accident;
  left: number;
}

/** A proxy before a server, for the tests of this file. */
export function useTcpProxy(target: string | (() => string)): TcpProxy {
  const sockets = new Set<Socket>();
  const plans: Plan[] = [];
  let door: Door = "open";
  let server: Server | undefined;
  let port = 0;
  let turnedAway = 0;

  const targetUrl = () => new URL(typeof target === "string" ? target : target());
  const hold = (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  };

  function serve(client: Socket): void {
    hold(client);
    if (door !== "open") {
      turnedAway += 1;
      if (door === "closed") {
        client.destroy();
      }
      return;
    }
    const { hostname, port: targetPort } = targetUrl();
    const upstream = connect(Number(targetPort), hostname);
    hold(upstream);
    upstream.on("data", (data) => client.write(data));
    upstream.on("close", () => client.destroy());
    client.on("close", () => upstream.end());
    client.on("data", (data) => {
      const plan = plans.find(({ text, left }) => left > 0 && data.includes(text));
      if (plan === undefined) {
        upstream.write(data);
        return;
      }
      plan.left -= 1;
      client.removeAllListeners("close");
      client.destroy();
      if (plan.accident === "lose-request") {
        upstream.destroy();
      } else {
        // Stays open to the server's side, so that what was sent is carried out to its end.
        upstream.write(data);
      }
    });
  }

  beforeAll(async () => {
    server = createServer(serve).listen(0, "127.0.0.1");
    await once(server, "listening");
    port = (server.address() as AddressInfo).port;
  });
  afterAll(() => {
    server?.close();
    for (const socket of sockets) {
      socket.destroy();
    }
  });

  return {
    get url() {
      const url = targetUrl();
      url.hostname = "127.0.0.1";
      url.port = String(port);
      return url.href;
    },
    get accidentsLeft() {
      return plans.reduce((sum, { left }) => sum + left, 0);
    },
    get turnedAway() {
      return turnedAway;
    },
    arrange(text, accident, times = 1) {
      plans.push({ text, accident, left: times });
    },
    disarm() {
      plans.length = 0;
    },
    setDoor(next) {
      door = next;
    },
    cut() {
      for (const socket of sockets) {
        socket.destroy();
      }
    },
  };
}
