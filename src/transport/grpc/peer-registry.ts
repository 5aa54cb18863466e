import type { Socket } from "node:net";
import { normalizeAddress, type Peer, peerOf, plaintextPeer } from "../connections/peer.ts";

/** The peers of a port by `address:port`, all that grpc-js exposes of a connection to a handler. */
export interface PeerRegistry {
  add(socket: Socket): void;
  /** @param name as returned by a call's getPeer() */
  get(name: string): Peer;
}

export function createPeerRegistry(): PeerRegistry {
  const peers = new Map<string, Peer>();
  return {
    add(socket) {
      const peer = peerOf(socket);
      const name = `${socket.remoteAddress}:${socket.remotePort}`;
      peers.set(name, peer);
      socket.once("close", () => {
        // The port may be in use by a later connection.
        if (peers.get(name) === peer) {
          peers.delete(name);
        }
      });
    },
    // Missing for a client that has disconnected meanwhile.
    get: (name) => peers.get(name) ?? plaintextPeer(normalizeAddress(name.replace(/:\d+$/, ""))),
  };
}
