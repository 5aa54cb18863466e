import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { sendJson } from "./pages.ts";
import type { RejectionLog } from "./rejections.ts";

export interface CrossSiteOptions {
  /** Origins whose pages may call, or "*". */
  readonly corsOrigins: readonly string[];
  /**
   * Host names that requests may be for, besides those of loopback addresses; undefined: any. A
   * page that has rebound its own name to this machine calls with that name.
   */
  readonly allowedHosts: readonly string[] | undefined;
  readonly rejections: Pick<RejectionLog, "write">;
}

/**
 * Rejects what pages of other sites make a browser send. No preflight precedes simple requests
 * (an image, a form), which carry the browser's client certificate, come from its address, or need
 * no credentials.
 */
export interface CrossSiteCheck {
  /** @returns whether the request was rejected, and has been answered */
  rejectsHost(request: IncomingMessage, response: ServerResponse): boolean;
  rejectsSite(request: IncomingMessage, response: ServerResponse): boolean;
}

const LOOPBACK_NAME = /^(localhost|[a-z0-9-]+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

const MAX_LOGGED_CHARACTERS = 200;

export function createCrossSiteCheck({ corsOrigins, allowedHosts, rejections }: CrossSiteOptions): CrossSiteCheck {
  const isAllowedOrigin = (origin: string) => corsOrigins.includes("*") || corsOrigins.includes(origin);

  function reject(request: IncomingMessage, response: ServerResponse, reason: string, message: string): true {
    const { host, origin, referer } = request.headers;
    rejections.write("warn", request, reason, {
      host: (host ?? request.headers[":authority"]?.toString())?.slice(0, MAX_LOGGED_CHARACTERS),
      // Not the whole referrer, whose query may hold personal data.
      origin: (origin ?? (referer && URL.parse(referer)?.origin))?.slice(0, MAX_LOGGED_CHARACTERS),
    });
    sendJson(response, 403, { code: "permission_denied", message });
    return true;
  }

  return {
    rejectsHost(request, response) {
      const host = hostOf(request.headers);
      if (allowedHosts === undefined || host === "") {
        return false;
      }
      const name = URL.parse(`http://${host}`)?.hostname;
      if (name === undefined) {
        sendJson(response, 400, { code: "invalid_argument", message: "malformed host" });
        return true;
      }
      return LOOPBACK_NAME.test(name) || allowedHosts.includes(name)
        ? false
        : reject(
            request,
            response,
            "host",
            "without authentication only requests for localhost are accepted: address the service as localhost, or add the host name to OMS_ALLOWED_HOSTS",
          );
    },
    rejectsSite(request, response) {
      return isFromAnotherSite(request.headers, isAllowedOrigin)
        ? reject(
            request,
            response,
            "cross-site",
            "requests from pages of other sites are rejected: add the origin of the page to OMS_CORS_ORIGINS",
          )
        : false;
    },
  };
}

function isFromAnotherSite(headers: IncomingHttpHeaders, isAllowedOrigin: (origin: string) => boolean): boolean {
  const site = headers["sec-fetch-site"];
  if (site === "same-origin" || site === "none") {
    return false;
  }
  const origin = headers.origin ?? (headers.referer && (URL.parse(headers.referer)?.origin ?? "null"));
  if (origin === undefined) {
    // Not a browser, unless it reports the kind of site and hides the origin.
    return site !== undefined;
  }
  const isOwn = site === undefined && URL.parse(origin)?.host === hostOf(headers);
  return !isOwn && !isAllowedOrigin(origin);
}

const hostOf = (headers: IncomingHttpHeaders): string =>
  (headers.host ?? headers[":authority"]?.toString() ?? "").toLowerCase();
