import type { AddressInfo, Server, Socket } from "node:net";

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

export function createListener(server: Server): Listener {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
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
