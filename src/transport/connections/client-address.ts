import { isIP } from "node:net";
import { createAddressList } from "../../lib/address-list.ts";
import { normalizeAddress, type Peer } from "./peer.ts";

/**
 * The address of the client behind a connection.
 *
 * @param forwardedFor the header `x-forwarded-for`
 */
export type ClientAddress = (peer: Pick<Peer, "address">, forwardedFor: string | null | undefined) => string;

/**
 * Creates a function that finds the address of a client. Each proxy appends the address
 * that it was called from, so the client is the last entry that is not itself a proxy; what stands
 * before it is the client's own claim. From other peers the header is ignored.
 *
 * @param proxies IP addresses and CIDR ranges
 */
export function createClientAddress(proxies: readonly string[]): ClientAddress {
  if (proxies.length === 0) {
    return ({ address }) => address;
  }
  const list = createAddressList(proxies);
  return ({ address }, forwardedFor) => {
    let client = address;
    const entries = (forwardedFor ?? "").split(",");
    while (list.has(client)) {
      const previous = normalizeAddress(entries.pop()?.trim() ?? "");
      // A zone may be of any length.
      if (isIP(previous) === 0 || previous.includes("%")) {
        break;
      }
      client = previous;
    }
    return client;
  };
}
