import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { AddressList } from "../../lib/address-list.ts";
import { peerOfRequest } from "../connections/peer.ts";

/** Where the client sent its request, as reported by the proxies that passed it on. */
export interface ForwardedRequest {
  readonly scheme?: "http" | "https";
  /** The host, often with a port, as sent: neither is checked. */
  readonly host?: string;
  readonly port?: string;
}

/**
 * Creates a function that reads the headers `Forwarded` (RFC 7239) and, for what that header does
 * not contain, `X-Forwarded-Proto`, `X-Forwarded-Host` and `X-Forwarded-Port`. Of a list, which has
 * an entry for each proxy, the first entry counts: the one of the proxy next to the client.
 *
 * @param proxies whose headers are accepted; those of any other address are ignored
 */
export function createForwardedReader(proxies: AddressList): (request: IncomingMessage) => ForwardedRequest {
  return (request) => (proxies.has(peerOfRequest(request).address) ? readHeaders(request.headers) : {});
}

function readHeaders(headers: IncomingHttpHeaders): ForwardedRequest {
  const forwarded = forwardedParameters(headers.forwarded ?? "");
  const first = (name: string) => headers[name]?.toString().split(",", 1)[0]?.trim() || undefined;
  const scheme = (forwarded.get("proto") ?? first("x-forwarded-proto"))?.toLowerCase();
  const host = forwarded.get("host") ?? first("x-forwarded-host");
  const port = first("x-forwarded-port");
  return {
    ...((scheme === "http" || scheme === "https") && { scheme }),
    ...(host !== undefined && { host }),
    ...(port !== undefined && { port }),
  };
}

/** A parameter with its separator; a value may be quoted. */
const PARAMETER = /\s*([\w!#$%&'*+.^`|~-]+)=("(?:[^"\\]|\\.)*"|[^\s;,"]+)\s*(?:[;,]|$)/gy;

/** The first value of each parameter, by its name in lower case; up to the first malformed one. */
function forwardedParameters(header: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const [, name = "", value = ""] of header.matchAll(PARAMETER)) {
    const text = value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/g, "$1") : value;
    if (!parameters.has(name.toLowerCase())) {
      parameters.set(name.toLowerCase(), text);
    }
  }
  return parameters;
}
