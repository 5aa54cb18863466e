import type { IncomingMessage } from "node:http";
import { isIPv6 } from "node:net";
import type { AddressList } from "../../../lib/address-list.ts";
import { peerOfRequest } from "../../connections/peer.ts";
import { createForwardedReader } from "../../http/forwarded.ts";

export interface BaseUrlOptions {
  /** The configured URL; undefined: the one that each request was sent to. */
  readonly baseUrl: string | undefined;
  /** The proxies whose headers specify the host and scheme that the client used. */
  readonly proxies: AddressList;
}

/**
 * Creates a function for the URL, without a trailing slash, at which a client reaches the server:
 * the configured one, or the one of its request. The socket's address if the request has no valid
 * host.
 */
export function createBaseUrlResolver({ baseUrl, proxies }: BaseUrlOptions): (request: IncomingMessage) => string {
  if (baseUrl !== undefined) {
    const configured = baseUrl.replace(/\/+$/, "");
    return () => configured;
  }
  const readForwarded = createForwardedReader(proxies);
  return (request) => {
    const forwarded = readForwarded(request);
    const scheme = forwarded.scheme ?? (peerOfRequest(request).encrypted ? "https" : "http");
    const host =
      [forwarded.host, request.headers.host ?? request.headers[":authority"]?.toString()].find(isHost) ??
      socketHost(request);
    return `${scheme}://${withPort(host, scheme, forwarded.port)}`;
  };
}

/** A host name or an IP address, optionally with a port. */
const HOST = /^(?:[\w.-]{1,253}|\[[\da-f:.]{2,45}\])(?::\d{1,5})?$/i;

const isHost = (host: string | undefined): host is string =>
  host !== undefined && HOST.test(host) && URL.canParse(`http://${host}`);

/** The default ports; behind a proxy, the one of the other scheme is the proxy's own backend. */
const DEFAULT_PORTS: readonly string[] = ["80", "443"];

/** A host that has a port keeps it: `X-Forwarded-Port` may be the port inside a container. */
function withPort(host: string, scheme: string, port: string | undefined): string {
  const hasPort = /:\d+$/.test(host);
  return hasPort || port === undefined || DEFAULT_PORTS.includes(port) || !URL.canParse(`${scheme}://${host}:${port}`)
    ? host
    : `${host}:${Number(port)}`;
}

function socketHost({ socket }: IncomingMessage): string {
  const { localAddress = "127.0.0.1", localPort } = socket;
  const address = localAddress.replace(/^::ffff:(?=\d+\.)/, "");
  return `${isIPv6(address) ? `[${address}]` : address}:${localPort}`;
}
