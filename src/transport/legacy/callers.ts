import { createHash } from "node:crypto";
import { createAddressList } from "../../lib/address-list.ts";
import type { TokenTransportCheck } from "../auth/cleartext.ts";
import type { Peer } from "../connections/peer.ts";
import type { LegacyMethod } from "./methods.ts";

/** A configured legacy caller and its credentials. */
export interface KnownCaller {
  readonly name: string;
  /** SHA-256 digests of its tokens, in lower-case hexadecimal. */
  readonly tokenSha256: readonly string[];
  /** IP addresses and CIDR ranges that it calls from, for example 10.1.0.0/16. */
  readonly addresses: readonly string[];
}

/** The caller of a legacy endpoint. */
export interface LegacyCaller {
  readonly name: string;
  /** The name, if authenticated by token or address. */
  readonly authenticatedName: string | undefined;
}

/** What identifies a legacy caller. */
export interface CallerEvidence {
  /** The header `authorization`. */
  readonly authorization: string | undefined;
  /** The header `oms-caller`. */
  readonly header: string | undefined;
  readonly peer: Peer;
}

/**
 * Creates a function that identifies callers. A legacy caller changes only the host name, so it is
 * identified by what it already sends, in this order: a token (bearer, or the password of basic
 * authorization, which any HTTP client sends for http://name:token@host), its IP address, the
 * header `oms-caller`. Otherwise it is `legacy:<method>`.
 */
export function createCallerResolver(
  known: readonly KnownCaller[],
  mayPresentToken: TokenTransportCheck,
): (evidence: CallerEvidence, method: LegacyMethod) => LegacyCaller {
  const byToken = new Map(known.flatMap(({ name, tokenSha256 }) => tokenSha256.map((digest) => [digest, name])));
  const byAddress = known.map(({ name, addresses }) => ({ name, list: createAddressList(addresses) }));
  return ({ authorization = "", header = "", peer }, method) => {
    const authenticatedName =
      (mayPresentToken(peer) ? tokensIn(authorization) : [])
        .map((token) => byToken.get(createHash("sha256").update(token).digest("hex")))
        .find((name) => name !== undefined) ?? byAddress.find(({ list }) => list.has(peer.address))?.name;
    return { authenticatedName, name: authenticatedName ?? (header || `legacy:${method.name}`) };
  };
}

function tokensIn(authorization: string): string[] {
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
