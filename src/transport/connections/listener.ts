import type { AddressInfo, Server, Socket } from "node:net";
import { BLOCK_MS, MAX_SHARE_PER_ADDRESS } from "../limits.ts";

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
  /** Whether new connections from the address are rejected for now. */
  isBlocked(address: string): boolean;
  /**
   * A connection was rejected: too many in all, too many from its address, or the address is
   * blocked.
   */
  onRejected(reason: "all" | "address" | "blocked"): void;
}

export function createListener(server: Server, { max, isBlocked, onRejected }: ConnectionLimit): Listener {
  const sockets = new Set<Socket>();
  /** By address: its connections with their start times, the oldest first. */
  const byAddress = new Map<string, Map<Socket, number>>();
  const maxPerAddress = Math.ceil(max * MAX_SHARE_PER_ADDRESS);

  /**
   * A block exempts addresses with an older connection: a load balancer has many callers behind it.
   */
  const hasOnlyRecent = (open: ReadonlyMap<Socket, number>): boolean => {
    const [oldest = performance.now()] = open.values();
    return performance.now() - oldest < BLOCK_MS;
  };

  server.maxConnections = max;
  server.on("drop", () => onRejected("all"));
  server.on("connection", (socket: Socket) => {
    const address = socket.remoteAddress ?? "";
    const open = byAddress.get(address) ?? new Map<Socket, number>();
    byAddress.set(address, open.set(socket, performance.now()));
    sockets.add(socket);
    socket.once("close", () => {
      sockets.delete(socket);
      open.delete(socket);
      if (open.size === 0 && byAddress.get(address) === open) {
        byAddress.delete(address);
      }
    });
    const blocked = hasOnlyRecent(open) && isBlocked(address);
    if (blocked || open.size > maxPerAddress) {
      onRejected(blocked ? "blocked" : "address");
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
      server.close(() => onClosed());
    },
    closed: () => closed,
    destroy() {
      for (const socket of sockets) {
        socket.destroy();
      }
    },
  };
}
