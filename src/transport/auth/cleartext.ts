import { createAddressList, LOOPBACK } from "../../lib/address-list.ts";
import type { Peer } from "../connections/peer.ts";

/** Whether a peer may present a token: in cleartext, others could read it on its way. */
export type TokenTransportCheck = (peer: Peer) => boolean;

/**
 * Allows tokens over TLS, from this machine, and from the proxies that terminate TLS.
 *
 * @param terminatedBy the addresses of these proxies, as IP addresses and CIDR ranges
 */
export function createTokenTransportCheck(terminatedBy: readonly string[]): TokenTransportCheck {
  const allowed = createAddressList([...LOOPBACK, ...terminatedBy]);
  return ({ encrypted, address }) => encrypted || allowed.has(address);
}
