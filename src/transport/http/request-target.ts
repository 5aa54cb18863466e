import type { IncomingMessage } from "node:http";
import { isIPv6 } from "node:net";

const ABSOLUTE_FORM = /^https?:\/\//i;

/**
 * Brings the target of an HTTP/1.1 request into origin form, with a host. A server must accept the
 * absolute form, whose host overrides the header (RFC 9112, 3.2.2); HTTP/1.0 does not require a
 * host, and the socket's address takes its place.
 */
export function normalizeTarget(request: IncomingMessage): void {
  const { url = "", headers } = request;
  if (ABSOLUTE_FORM.test(url)) {
    const target = URL.parse(url);
    if (target !== null) {
      request.url = `${target.pathname}${target.search}`;
      headers.host = target.host;
    }
  }
  headers.host ??= addressOf(request);
}

/** The query of a request's target; it may contain further question marks. */
export function queryOf(url = ""): string {
  const at = url.indexOf("?");
  return at === -1 ? "" : url.slice(at + 1);
}

function addressOf({ socket: { localAddress = "127.0.0.1", localPort } }: IncomingMessage): string {
  const address = localAddress.replace(/^::ffff:(?=\d+\.)/i, "");
  return `${isIPv6(address) ? `[${address}]` : address}:${localPort}`;
}
