import type { ServerResponse } from "node:http";

/** Lifetime of the browsers' rule to use TLS only, in seconds: a year. */
const HSTS_MAX_AGE = 31_536_000;

/**
 * Sets the headers of every response that restrict browsers: they use the declared content type,
 * and over TLS never this host in plaintext. A proxy that terminates TLS sets the second itself.
 */
export function setSecurityHeaders(response: ServerResponse, encrypted: boolean): void {
  response.setHeader("x-content-type-options", "nosniff");
  if (encrypted) {
    response.setHeader("strict-transport-security", `max-age=${HSTS_MAX_AGE}`);
  }
}
