import { OperationError } from "../../application/errors.ts";

/** An authenticated caller. */
export interface Identity {
  readonly name: string;
  readonly roles: readonly string[];
  /**
   * Expiry of the credentials, in milliseconds since 1970; undefined: they last as long as the
   * connection.
   */
  readonly expiresAt: number | undefined;
}

/** What a call presents to authenticate its caller. */
export interface Credentials {
  /** The header `authorization`. */
  readonly authorization: string | null | undefined;
  /** The name in a verified client certificate. */
  readonly certificateName: string | undefined;
  /** A name that the transport has authenticated: a legacy caller known by its token or address. */
  readonly authenticatedName: string | undefined;
}

/** A valid caller name: it appears in the history, in events and in headers. */
export const CALLER_NAME_PATTERN = /^[\x20-\x7e]{1,64}$/;

export const TOKEN_EXPIRED = "token expired; request a new one";

/** @param reason shown to an unauthenticated caller: must not disclose anything */
export function unauthenticated(reason: string): OperationError {
  return new OperationError("unauthenticated", reason);
}

/** @param target an RPC as `Service/Rpc`, or a page */
export function permissionDenied({ name, roles }: Identity, target: string): OperationError {
  const who = roles.length === 1 ? `role ${roles[0]}` : `${name} (roles: ${roles.join(", ") || "none"})`;
  return new OperationError("permission-denied", `${who} lacks permission for ${target}`);
}
