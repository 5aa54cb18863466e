import { createHash } from "node:crypto";
import { BlockList, isIPv6 } from "node:net";
import type { Peer } from "../connections/peer.ts";
import type { LegacyMethod } from "./methods.ts";

/** A system that calls the old addresses, and how it is known. */
export interface KnownCaller {
  readonly name: string;
  /** SHA-256 of its tokens, in hexadecimal. */
  readonly tokenSha256: readonly string[];
  /** Addresses and ranges it calls from, for example 10.1.0.0/16. */
  readonly addresses: readonly string[];
}

/** Who calls an old address. */
export interface LegacyCaller {
  readonly name: string;
  /** The name, where there is proof of it: a token or an address. */
  readonly authenticatedName: string | undefined;
}

/** By what a caller can be known. */
export interface CallerEvidence {
  /** The header `authorization`. */
  readonly authorization: string | undefined;
  /** The header `oms-caller`. */
  readonly header: string | undefined;
  readonly peer: Peer;
}

/**
 * Says who calls. An old caller changes nothing but the host name, so it is known by what is there already: a token (as bearer, or as
 * the password of a basic authorization, which any HTTP client makes of http://name:token@host), the address it calls from, the
 * header oms-caller; else it is `legacy:<method>`.
 */
export function createCallerResolver(
  known: readonly KnownCaller[],
): (signs: CallerEvidence, method: LegacyMethod) => LegacyCaller {
  const byToken = new Map(known.flatMap(({ name, tokenSha256 }) => tokenSha256.map((digest) => [digest, name])));
  const byAddress = known.map(({ name, addresses }) => ({ name, list: listOf(addresses) }));
  return ({ authorization = "", header = "", peer }, method) => {
    const proven =
      tokensOf(authorization)
        .map((token) => byToken.get(createHash("sha256").update(token).digest("hex")))
        .find((name) => name !== undefined) ?? byAddress.find(({ list }) => isIn(list, peer.address))?.name;
    return { authenticatedName: proven, name: proven ?? (header || `legacy:${method.name}`) };
  };
}

function tokensOf(authorization: string): string[] {
  const [, scheme = "", credentials = ""] = /^(bearer|basic) +(\S+)$/i.exec(authorization) ?? [];
  switch (scheme.toLowerCase()) {
    case "bearer":
      return [credentials];
    case "basic":
      return [
        Buffer.from(credentials, "base64")
          .toString()
          .replace(/^[^:]*:/, ""),
      ];
    default:
      return [];
  }
}

function listOf(addresses: readonly string[]): BlockList {
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
  return list;
}

function isIn(list: BlockList, address: string): boolean {
  return address !== "" && list.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}
