import type { Socket } from "node:net";
import { normalizeAddress, type Peer, peerOf } from "../connections/peer.ts";

/** The peers of a port's connections by their address and port, which is all that grpc-js tells a handler of them. */
export interface PeerRegistry {
  add(socket: Socket): void;
  /** @param name what a call's getPeer() says */
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
        // The same address may have come back.
        if (peers.get(name) === peer) {
          peers.delete(name);
        }
      });
    },
    // One that has hung up meanwhile hears no answer.
    get: (name) =>
      peers.get(name) ?? { address: normalizeAddress(name.replace(/:\d+$/, "")), certificateName: undefined },
  };
}
