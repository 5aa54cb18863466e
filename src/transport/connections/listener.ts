import type { AddressInfo, Server, Socket } from "node:net";
import { BLOCK_MS, MAX_SHARE_PER_ADDRESS } from "../limits.ts";

/** A port, and the connections to it. */
export interface Listener {
  /** @returns the port: the one that the system chose where 0 was asked for */
  listen(host: string, port: number): Promise<number>;
  /** Takes no new connection. Those that are there go on. */
  stopAccepting(): void;
  /** Resolves when all connections are closed. */
  closed(): Promise<void>;
  /** Cuts what is left. */
  destroy(): void;
}

/** How many connections a port takes. */
export interface ConnectionLimit {
  readonly max: number;
  /** Whether an address is to be left outside for now. */
  isBlocked(address: string): boolean;
  /** A connection was closed at once: there are as many as may be in all, from its address, or the address is blocked. */
  onRejected(reason: "all" | "address" | "blocked"): void;
}

export function createListener(server: Server, { max, isBlocked, onRejected }: ConnectionLimit): Listener {
  const sockets = new Set<Socket>();
  /** When each connection of an address began, the oldest first. */
  const byAddress = new Map<string, Map<Socket, number>>();
  const maxOfOne = Math.ceil(max * MAX_SHARE_PER_ADDRESS);

  /** Behind one address there may be many callers: one that has been here for a while is not to suffer for the others. */
  const isNew = (open: ReadonlyMap<Socket, number>): boolean => {
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
    const blocked = isNew(open) && isBlocked(address);
    if (blocked || open.size > maxOfOne) {
      onRejected(blocked ? "blocked" : "address");
      // Others have been given the socket by now, or are about to be.
      setImmediate(() => socket.destroy());
    }
  });
  const { promise: closed, resolve: close } = Promise.withResolvers<void>();
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
      server.close(() => close());
    },
    closed: () => closed,
    destroy() {
      for (const socket of sockets) {
        socket.destroy();
      }
    },
  };
}
