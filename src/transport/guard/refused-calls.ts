import { constants, type Http2Session } from "node:http2";
import { MAX_REFUSED_CALLS } from "../limits.ts";

/** The refused calls of each address in the current second, and its end. */
const refused = new Map<string, number>();
let resetAt = 0;

/**
 * Counts a call that was refused because its address had exceeded its limit. Once there have been
 * too many in a second, each further one closes its connection with ENHANCE_YOUR_CALM: even a
 * refusal takes time, and a connection may have sent thousands of calls.
 *
 * @param address of the client
 * @param proxied whether a proxy forwarded the call; its connection carries other clients as well,
 *   and stays open
 * @returns whether the connection is closed, so that no response can be sent
 */
export function onCallRefused(session: Http2Session | undefined, address: string, proxied: boolean): boolean {
  if (session === undefined || session.destroyed) {
    return true;
  }
  const now = performance.now();
  if (now > resetAt) {
    refused.clear();
    resetAt = now + 1_000;
  }
  const count = (refused.get(address) ?? 0) + 1;
  refused.set(address, count);
  if (proxied || count <= MAX_REFUSED_CALLS) {
    return false;
  }
  // Without an error as first argument, which would make the code of GOAWAY 0.
  session.destroy(constants.NGHTTP2_ENHANCE_YOUR_CALM as never);
  return true;
}
