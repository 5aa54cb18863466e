import { type AddressInfo, Server, type Socket } from "node:net";
import type { Logger } from "../../observability/log.ts";
import { createLogLimiter } from "../../observability/log-limiter.ts";
import type { Metrics } from "../../observability/metrics.ts";
import { FLOOD_DELAY_MS, MAX_SHARE_PER_ADDRESS } from "../limits.ts";
import { isFloodingAddress } from "./flooding-addresses.ts";
import { normalizeAddress } from "./peer.ts";

/** A port and the connections to it. */
export interface Listener {
  /** @returns the port; the one chosen by the system for 0 */
  listen(host: string, port: number): Promise<number>;
  /** Accepts no further connections. Open ones continue. */
  stopAccepting(): void;
  /** Resolves when all connections are closed. */
  closed(): Promise<void>;
  /** Closes the remaining connections at once. */
  destroy(): void;
}

/** Limits the connections to a port. */
export interface ConnectionLimit {
  readonly max: number;
  /** A connection was rejected: too many in all, or too many from its address. */
  onRejected(reason: "all" | "address", address: string): void;
}

/** Maximum log lines per second and reason for rejected connections. */
const REJECTIONS_PER_SECOND = 1;

/** Counts and logs the rejected connections of a port. */
export function rejectedConnections(
  port: "grpc" | "http",
  log: Logger,
  { connectionsRefused }: Pick<Metrics, "connectionsRefused">,
): ConnectionLimit["onRejected"] {
  const lines = createLogLimiter(log, { message: "connection rejected", perSecond: REJECTIONS_PER_SECOND });
  return (reason, address) => {
    connectionsRefused.inc({ port, reason });
    lines.write("warn", reason, () => ({ port, reason, address: normalizeAddress(address) }));
  };
}

export function createListener(server: Server, { max, onRejected }: ConnectionLimit): Listener {
  const sockets = new Set<Socket>();
  const countByAddress = new Map<string, number>();
  const maxPerAddress = Math.ceil(max * MAX_SHARE_PER_ADDRESS);

  server.maxConnections = max;
  // One of several processes, too, closes what exceeds the limit: passed on, a connection would go
  // around while all of them are full.
  Object.assign(server, { dropMaxConnection: true });
  server.on("drop", (dropped) => onRejected("all", dropped?.remoteAddress ?? ""));
  server.on("connection", (socket: Socket) => {
    const address = socket.remoteAddress ?? "";
    const count = (countByAddress.get(address) ?? 0) + 1;
    countByAddress.set(address, count);
    sockets.add(socket);
    socket.once("close", () => {
      sockets.delete(socket);
      const remaining = (countByAddress.get(address) ?? 0) - 1;
      if (remaining > 0) {
        countByAddress.set(address, remaining);
      } else {
        countByAddress.delete(address);
      }
    });
    if (count > maxPerAddress) {
      onRejected("address", address);
      // Deferred: other listeners of this event use the socket.
      setImmediate(() => socket.destroy());
    }
  });
  delayFloods(server);
  const { promise: closed, resolve: onClosed } = Promise.withResolvers<void>();
  return {
    listen: (host, port) =>
      new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen(port, host, () => {
          server.off("error", reject);
          resolve((server.address() as AddressInfo).port);
        });
      }),
    stopAccepting() {
      // An HTTP server's own close() destroys its idle connections at once, with the request that a
      // client may be sending.
      Server.prototype.close.call(server, () => onClosed());
    },
    closed: () => closed,
    destroy() {
      for (const socket of sockets) {
        socket.destroy();
      }
      // Ends the timers of an HTTP server.
      server.close();
    },
  };
}

/** Serves the connections of addresses that flood the server with a delay, unread until then. */
function delayFloods(server: Server): void {
  const emit = server.emit as (event: string, ...values: unknown[]) => boolean;
  server.emit = (event: string, ...values: unknown[]) => {
    const [socket] = values as [Socket];
    if (event !== "connection" || !isFloodingAddress(socket.remoteAddress ?? "")) {
      return emit.call(server, event, ...values);
    }
    const onError = () => socket.destroy();
    socket.on("error", onError);
    const timer = setTimeout(() => {
      socket.off("error", onError);
      emit.call(server, event, socket);
    }, FLOOD_DELAY_MS);
    socket.once("close", () => clearTimeout(timer));
    return true;
  };
}
