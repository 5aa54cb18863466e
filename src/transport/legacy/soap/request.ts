import type { IncomingMessage } from "node:http";
import { isIPv6, type Socket } from "node:net";
import { queryOf } from "../params.ts";

/** Whether a request is for SOAP: ?wsdl, ?xsd, or an XML body. */
export function isSoapRequest(request: IncomingMessage): boolean {
  if (request.method === "POST") {
    const type = mediaType(request);
    return /[/+]xml$/.test(type) || type === "multipart/related" || request.headers.soapaction !== undefined;
  }
  return (request.method === "GET" || request.method === "HEAD") && requestedDocument(request) !== undefined;
}

/** The body's media type in lower case, without parameters; empty if there is none. */
export function mediaType({ headers }: IncomingMessage): string {
  return headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

/** The document named in the query, in any case; the WSDL if it names both. */
export function requestedDocument({ url }: IncomingMessage): "wsdl" | "xsd" | undefined {
  const names = new Set([...new URLSearchParams(queryOf(url)).keys()].map((name) => name.toLowerCase()));
  return (["wsdl", "xsd"] as const).find((name) => names.has(name));
}

/**
 * The start of an XML declaration in UTF-16, which cannot be decoded before its charset is known.
 */
const UTF_16: readonly (readonly [string, string])[] = [
  ["<\0?\0", "utf-16le"],
  ["\0<\0?", "utf-16be"],
];

/**
 * The charset that an XML body without a byte order mark declares.
 *
 * @param prefix its first bytes, one character each
 * @returns undefined for UTF-8
 */
export function declaredEncoding(prefix: string): string | undefined {
  return (
    UTF_16.find(([characters]) => prefix.startsWith(characters))?.[1] ??
    /^\s*<\?xml\s[^>]*?encoding\s*=\s*["']([\w.:-]+)["']/.exec(prefix)?.[1]
  );
}

/** A host name or an IP address, optionally with a port. */
const HOST = /^(?:[\w.-]{1,253}|\[[\da-f:.]{2,45}\])(?::\d{1,5})?$/i;

/**
 * The server's origin as the client addressed it; the socket's address if the host header is
 * invalid.
 */
export function serverOrigin(request: IncomingMessage): string {
  const { headers, socket } = request;
  // Set by a proxy that terminates TLS.
  const scheme = headers["x-forwarded-proto"] === "https" || isEncrypted(socket) ? "https" : "http";
  const host = headers.host ?? headers[":authority"]?.toString() ?? "";
  if (HOST.test(host) && URL.canParse(`${scheme}://${host}`)) {
    return `${scheme}://${host}`;
  }
  const { localAddress = "127.0.0.1", localPort } = socket;
  const address = localAddress.replace(/^::ffff:(?=\d+\.)/, "");
  return `${scheme}://${isIPv6(address) ? `[${address}]` : address}:${localPort}`;
}

function isEncrypted(socket: Socket): boolean {
  return "encrypted" in socket && socket.encrypted === true;
}
