import type { IncomingMessage } from "node:http";
import { queryOf } from "../../http/request-target.ts";

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
