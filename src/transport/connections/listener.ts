import { type AddressInfo, Server, type Socket } from "node:net";
import { MAX_SHARE_PER_ADDRESS } from "../limits.ts";

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
  onRejected(reason: "all" | "address"): void;
}

export function createListener(server: Server, { max, onRejected }: ConnectionLimit): Listener {
  const sockets = new Set<Socket>();
  const countByAddress = new Map<string, number>();
  const maxPerAddress = Math.ceil(max * MAX_SHARE_PER_ADDRESS);

  server.maxConnections = max;
  server.on("drop", () => onRejected("all"));
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
      onRejected("address");
      // Deferred: other listeners of this event use the socket.
      setImmediate(() => socket.destroy());
    }
  });
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
