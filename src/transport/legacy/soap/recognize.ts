import type { IncomingMessage } from "node:http";
import { queryOf } from "../params.ts";

/** Whether a request is for the SOAP side of an address: ?wsdl, ?xsd, or a body in XML. */
export function isSoapRequest(request: IncomingMessage): boolean {
  if (request.method === "POST") {
    const type = mediaType(request);
    return /[/+]xml$/.test(type) || type === "multipart/related" || request.headers.soapaction !== undefined;
  }
  return (request.method === "GET" || request.method === "HEAD") && requestedDocument(request) !== undefined;
}

/** A body's media type in lower case, without its parameters; empty where none is named. */
export function mediaType({ headers }: IncomingMessage): string {
  return headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

/** The document that a query asks for, in whatever case; the WSDL where it asks for both. */
export function requestedDocument({ url }: IncomingMessage): "wsdl" | "xsd" | undefined {
  const names = new Set([...new URLSearchParams(queryOf(url)).keys()].map((name) => name.toLowerCase()));
  return (["wsdl", "xsd"] as const).find((name) => names.has(name));
}
