import type { ServerHttp2Stream } from "node:http2";
import { ADDRESS_RATE_LIMITED } from "../auth/index.ts";
import type { ClientAddress } from "../connections/client-address.ts";
import { normalizeAddress } from "../connections/peer.ts";
import { onCallRefused } from "../guard/index.ts";
import type { AddressLimits } from "../rate-limits/index.ts";
import { type EncodedError, encodeError } from "./encode-error.ts";
import type { StreamListener } from "./http2-server.ts";
import { mapResponse } from "./normalize-headers.ts";

/** Reflection: an answer describes a file with all its imports, and takes 10 times as long. */
const REFLECTION = { path: "/grpc.reflection.", cost: 10 } as const;

const HEALTH_PATH = "/grpc.health.";

/** Encoded once: rejecting must cost next to nothing. */
export const ADDRESS_LIMITED: EncodedError = encodeError(ADDRESS_RATE_LIMITED);

export interface AddressLimitDeps {
  readonly limits: AddressLimits;
  readonly clientAddress: ClientAddress;
  /** The paths of the RPCs that authenticate their callers. */
  readonly authenticated: ReadonlySet<string>;
}

/**
 * Counts calls that need no authentication (health, reflection, unknown RPCs) by address, and
 * rejects those beyond the limit before grpc-js creates a call.
 *
 * @returns a listener that returns whether it has rejected the call
 */
export function limitAddresses({
  limits,
  clientAddress,
  authenticated,
}: AddressLimitDeps): (...stream: Parameters<StreamListener>) => boolean {
  return (stream, headers) => {
    const path = headers[":path"] ?? "";
    if (authenticated.has(path)) {
      return false;
    }
    const peer = { address: addressOf(stream) };
    const address = clientAddress(peer, headers["x-forwarded-for"]?.toString());
    const cost = path.startsWith(REFLECTION.path) ? REFLECTION.cost : 1;
    if (limits.take(path.startsWith(HEALTH_PATH) ? "health" : "open", address, cost)) {
      return false;
    }
    // Unknown: grpc-js responds at once, with headers alone.
    headers[":path"] = "/";
    if (onCallRefused(stream.session, address, address !== peer.address)) {
      stream.respond = () => {};
    } else {
      mapResponse(stream, (response) => ({ ...response, ...ADDRESS_LIMITED.headers }));
    }
    return true;
  };
}

function addressOf({ session }: ServerHttp2Stream): string {
  return normalizeAddress(session?.socket.remoteAddress ?? "");
}
