import type { IncomingHttpHeaders } from "node:http";
import { MIMEType } from "node:util";

/** A content type of Connect or gRPC-Web with parameters. */
const PARAMETERIZED = /^application\/(?:json|proto|connect\+|grpc-web)[^;]*;/i;

/**
 * Removes the parameters of a content type whose body is UTF-8 or binary. A parameter may be quoted
 * and unknown ones are ignored (RFC 9110, 5.6.6 and 8.3.1); the library knows one spelling of
 * `charset=utf-8` only. A content type with another charset is unchanged, and rejected.
 */
export function normalizeContentType(headers: IncomingHttpHeaders): void {
  const type = headers["content-type"];
  if (type === undefined || !PARAMETERIZED.test(type)) {
    return;
  }
  const parsed = parse(type);
  if (parsed !== undefined && /^(utf-?8)?$/i.test(parsed.params.get("charset") ?? "")) {
    headers["content-type"] = parsed.essence;
  }
}

function parse(type: string): MIMEType | undefined {
  try {
    return new MIMEType(type);
  } catch {
    return undefined;
  }
}
