import type { IncomingMessage } from "node:http";
import { isIPv6, type Socket } from "node:net";

/** A name or an IP address, and a port. */
const HOST = /^(?:[\w.-]{1,253}|\[[\da-f:.]{2,45}\])(?::\d{1,5})?$/i;

/** The server's address as the caller reached it; as it is by its socket where he says what cannot be. */
export function serverOrigin(request: IncomingMessage): string {
  const { headers, socket } = request;
  // A proxy that ends TLS before us says so.
  const scheme = headers["x-forwarded-proto"] === "https" || isEncrypted(socket) ? "https" : "http";
  const said = headers.host ?? headers[":authority"]?.toString() ?? "";
  if (HOST.test(said) && URL.canParse(`${scheme}://${said}`)) {
    return `${scheme}://${said}`;
  }
  const { localAddress = "127.0.0.1", localPort } = socket;
  const address = localAddress.replace(/^::ffff:(?=\d+\.)/, "");
  return `${scheme}://${isIPv6(address) ? `[${address}]` : address}:${localPort}`;
}

function isEncrypted(socket: Socket): boolean {
  return "encrypted" in socket && socket.encrypted === true;
}
