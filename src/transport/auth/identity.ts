import { OperationError } from "../../application/errors.ts";
import type { Peer } from "../connections/peer.ts";

/** An authenticated caller. */
export interface Identity {
  readonly name: string;
  /** What authenticated it; "legacy": a fixed token or a network address of OMS_LEGACY_CALLERS. */
  readonly credential: "token" | "certificate" | "legacy";
  readonly roles: readonly string[];
  /** The person in a token, by the claim OMS_JWT_OPERATOR_CLAIM; "" for none. */
  readonly operator: string;
  /** Expiry of the credential, in milliseconds since 1970; undefined: none. */
  readonly expiresAt: number | undefined;
}

/** What a call presents to authenticate its caller. */
export interface Credentials {
  /** The header `authorization`. */
  readonly authorization: string | null | undefined;
  /** The connection of the call, with its client certificate. */
  readonly peer: Peer;
  /** A name that the transport has authenticated: a legacy caller known by its token or address. */
  readonly authenticatedName: string | undefined;
  /** The header `x-forwarded-for`, by which a proxy reports the client's address. */
  readonly forwardedFor: string | null | undefined;
}

/** A valid caller name: it appears in the history, in events and in headers. */
export const CALLER_NAME_PATTERN = /^[\x20-\x7e]{1,64}$/;

export const TOKEN_EXPIRED = "token expired; request a new one";
export const CERTIFICATE_EXPIRED = "client certificate expired; connect with a valid one";

/** @param reason shown to an unauthenticated caller: must not disclose anything */
export function unauthenticated(reason: string): OperationError {
  return new OperationError("unauthenticated", reason);
}

/** RetryInfo delay of a call whose address exceeded its rate limit, in milliseconds. */
const RETRY_AFTER_MS = 1_000;

/**
 * The address of the client exceeded its rate limit for calls without an authenticated caller, or
 * without permission. One for all calls: its stack is most of the cost of a rejection.
 */
export const ADDRESS_RATE_LIMITED = new OperationError(
  "address-rate-limited",
  `too many calls from this address that are not authenticated or not permitted; the call was not executed, retry in ${RETRY_AFTER_MS} ms`,
  { retryAfterMs: RETRY_AFTER_MS },
);

/** The same for an authenticated caller that lacks permission, and may make other calls. */
export const PERMISSION_RATE_LIMITED = new OperationError(ADDRESS_RATE_LIMITED.kind, ADDRESS_RATE_LIMITED.message, {
  retryAfterMs: RETRY_AFTER_MS,
});

/** The credential expired during a call. */
export function credentialExpired({ credential }: Identity): OperationError {
  return unauthenticated(credential === "certificate" ? CERTIFICATE_EXPIRED : TOKEN_EXPIRED);
}

/** Where the roles of a caller without roles would have to come from. */
const MISSING_ROLES = {
  token: "its token has no list of role names in the claim roles",
  certificate: "the permission table has no entry for it in certificates",
  legacy: "the permission table has no entry for it in legacyCallers",
} as const;

/** A caller that is restricted to order sources, at an RPC that spans the orders of all sources. */
export function scopeExceeded({ name }: Identity, rpc: string, scope: ReadonlySet<number>): OperationError {
  const message = `${name} is restricted to orders of source ${[...scope].join(", ")}; ${rpc} spans the orders of all sources`;
  return new OperationError("permission-denied", message);
}

/** @param target an RPC as `Service/Rpc`, or a page */
export function permissionDenied({ name, credential, roles }: Identity, target: string): OperationError {
  const who = roles.length === 1 ? `role ${roles[0]}` : `${name} (roles: ${roles.join(", ") || "none"})`;
  const why = roles.length === 0 ? `; ${MISSING_ROLES[credential]}` : "";
  return new OperationError("permission-denied", `${who} lacks permission for ${target}${why}`);
}
