import { constants, type Http2Session } from "node:http2";
import { isFloodingAddress } from "../connections/flooding-addresses.ts";
import { MAX_REFUSED_CALLS } from "../limits.ts";

/** The refused calls of each address in the current second and the one before. */
let refused = new Map<string, number>();
let refusedBefore = new Map<string, number>();
/** Calls of each address in the current second on connections without a success. */
let unproven = new Map<string, number>();
/** End of the current second. */
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
  startSecond();
  const count = (refused.get(address) ?? 0) + 1;
  refused.set(address, count);
  // Counted although the client has reset the call.
  if (session === undefined || session.destroyed) {
    return true;
  }
  if (proxied || count <= MAX_REFUSED_CALLS) {
    return false;
  }
  // Without an error as first argument, which would make the code of GOAWAY 0.
  session.destroy(constants.NGHTTP2_ENHANCE_YOUR_CALM as never);
  return true;
}

/** Counts a call on a connection without a success. Returns their number in the current second. */
export function countUnprovenCall(address: string): number {
  startSecond();
  const count = (unproven.get(address) ?? 0) + 1;
  unproven.set(address, count);
  return count;
}

/**
 * Whether an address had more calls refused in this second or the last than get an answer, or a
 * connection closed because it flooded the server.
 */
export function isFlooding(address: string): boolean {
  startSecond();
  return (
    isFloodingAddress(address) ||
    Math.max(refused.get(address) ?? 0, refusedBefore.get(address) ?? 0) > MAX_REFUSED_CALLS
  );
}

function startSecond(): void {
  const now = performance.now();
  if (now > resetAt) {
    refusedBefore = now > resetAt + 1_000 ? new Map() : refused;
    refused = new Map();
    unproven = new Map();
    resetAt = now + 1_000;
  }
}
