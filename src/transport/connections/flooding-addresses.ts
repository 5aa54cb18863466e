import type { Socket } from "node:net";
import { FLOOD_DELAY_MS } from "../limits.ts";
import { normalizeAddress } from "./peer.ts";

/** When the delay of an address ends, by performance.now(). */
const delayedUntil = new Map<string, number>();

/**
 * Called when a connection was closed because it flooded the server. Further connections of its
 * address are served with a delay: closing alone would be answered by the next connection within a
 * millisecond. They are not refused, as others may use the address.
 */
export function onFlood(address: string): void {
  const now = performance.now();
  for (const [other, until] of delayedUntil) {
    if (until > now) {
      break;
    }
    delayedUntil.delete(other);
  }
  const key = normalizeAddress(address);
  delayedUntil.delete(key);
  delayedUntil.set(key, now + FLOOD_DELAY_MS);
}

/** Whether a connection of the address was closed within the last FLOOD_DELAY_MS. */
export function isFloodingAddress(address: string): boolean {
  return (delayedUntil.get(normalizeAddress(address)) ?? 0) > performance.now();
}

/** Closes a connection of HTTP/1.1 that floods the server. */
export function closeFlooding(socket: Socket): void {
  onFlood(socket.remoteAddress ?? "");
  // Otherwise Node parses what it has read to its end, which may be thousands of requests or
  // chunks. The parser is no public property.
  const { parser } = socket as { readonly parser?: { remove(): void } | null };
  parser?.remove();
  socket.destroy();
}
