import { OperationError } from "../../application/errors.ts";

/** Who calls, proven. */
export interface Identity {
  readonly name: string;
  readonly roles: readonly string[];
  /** When the proof expires, in milliseconds since 1970; undefined: with the connection. */
  readonly until: number | undefined;
}

/** What a call brings along to prove who makes it. */
export interface Credentials {
  /** The header `authorization`. */
  readonly authorization: string | null | undefined;
  /** The name in a client certificate that was verified. */
  readonly certificateName: string | undefined;
  /** A name that the front has proof of itself: a known token or address of an old caller. */
  readonly authenticatedName: string | undefined;
}

/** What a caller may be called: the name goes into history, events and headers. */
export const CALLER_NAME_PATTERN = /^[\x20-\x7e]{1,64}$/;

export const TOKEN_EXPIRED = "the token has expired: get a new one";

/** Nobody can say who calls. The words are for the caller, and tell nothing that a stranger may not know. */
export function unauthenticated(why: string): OperationError {
  return new OperationError("unauthenticated", why);
}
