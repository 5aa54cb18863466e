import { BlockList, isIPv6 } from "node:net";

/** A set of IP addresses. */
export interface AddressList {
  has(address: string): boolean;
}

/** @param addresses IP addresses and CIDR ranges, for example 10.1.0.0/16 */
export function createAddressList(addresses: readonly string[]): AddressList {
  const list = new BlockList();
  for (const address of addresses) {
    const [ip = "", prefix] = address.split("/");
    const family = isIPv6(ip) ? "ipv6" : "ipv4";
    if (prefix === undefined) {
      list.addAddress(ip, family);
    } else {
      list.addSubnet(ip, Number(prefix), family);
    }
  }
  return { has: (address) => address !== "" && list.check(address, isIPv6(address) ? "ipv6" : "ipv4") };
}

/** The addresses of this machine for itself. */
export const LOOPBACK: readonly string[] = ["127.0.0.0/8", "::1"];
