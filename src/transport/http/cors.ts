import type { IncomingMessage, ServerResponse } from "node:http";
import { cors } from "@connectrpc/connect";
import { CALL_ID_HEADER, CODE_HEADER, REASON_HEADER } from "../call.ts";
import { CALLER_HEADER } from "../middleware/trust-caller-header.ts";
import type { AddressCheck } from "./address-limit.ts";

const METHODS = cors.allowedMethods.join(", ");

/** Credentials, and the trace context of the W3C, which browser instrumentation adds. */
const REQUEST_HEADERS = [
  ...cors.allowedHeaders,
  "Authorization",
  CALLER_HEADER,
  "traceparent",
  "tracestate",
  "baggage",
].join(", ");

const EXPOSED_HEADERS = [
  ...cors.exposedHeaders,
  CALL_ID_HEADER,
  CODE_HEADER,
  REASON_HEADER,
  "Allow",
  "Link",
  "Retry-After",
  "WWW-Authenticate",
].join(", ");

/**
 * Lifetime of a preflight response in the browser's cache, in seconds: Chromium's maximum of two
 * hours.
 */
const MAX_AGE = "7200";

/**
 * Preflights cannot be authenticated, and the browsers of an office share an address: five times as
 * many are allowed as calls that anyone can make.
 */
const PREFLIGHT_COST = 0.2;

/**
 * Allows pages of the configured origins ("*": any) to call the service. A page chooses its header
 * oms-caller itself.
 *
 * @returns whether the request was a preflight, and has been answered
 */
export function createCors(
  origins: readonly string[],
  addressCheck: AddressCheck,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  const all = origins.includes("*");
  return (request, response) => {
    const { origin } = request.headers;
    if (origin === undefined) {
      return false;
    }
    if (!all) {
      response.setHeader("vary", "Origin");
    }
    const allowed = all || origins.includes(origin);
    if (allowed) {
      response.setHeader("access-control-allow-origin", all ? "*" : origin);
      response.setHeader("access-control-expose-headers", EXPOSED_HEADERS);
    }
    if (request.method !== "OPTIONS" || request.headers["access-control-request-method"] === undefined) {
      return false;
    }
    if (addressCheck.rejects("preflight", request, response, PREFLIGHT_COST)) {
      return true;
    }
    if (allowed) {
      response.setHeader("access-control-allow-methods", METHODS);
      response.setHeader("access-control-allow-headers", REQUEST_HEADERS);
      response.setHeader("access-control-max-age", MAX_AGE);
    }
    // Without the headers the browser rejects the call; no error status is needed.
    response.writeHead(204).end();
    return true;
  };
}
