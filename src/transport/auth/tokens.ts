import { errors, type JWTPayload, jwtVerify } from "jose";
import { OperationError } from "../../application/errors.ts";
import type { Logger } from "../../observability/log.ts";
import { findUnprintable } from "../../observability/unprintable.ts";
import { CALLER_NAME_PATTERN, TOKEN_EXPIRED, unauthenticated } from "./identity.ts";
import { openSigningKeys, SigningKeysUnavailableError } from "./signing-keys.ts";

/** The accepted token issuer. */
export interface TokenOptions {
  /** The issuer's key set (JWKS): an http(s) URL or a file. */
  readonly keys: string;
  readonly issuer: string;
  readonly audience: string;
  /** The required header `typ`; undefined: any. */
  readonly type?: string | undefined;
  /** The claim that names a person. */
  readonly operatorClaim: string;
}

/** The claims of a valid token. */
export interface TokenClaims {
  readonly name: string;
  /** Empty where the claim is missing or not a list of texts. */
  readonly roles: readonly string[];
  /** The person; "" where the claim is missing: the token is a system's. */
  readonly operator: string;
  /** In milliseconds since 1970. */
  readonly expiresAt: number;
  /** The client certificate that the token is bound to (RFC 8705); undefined: none. */
  readonly certificateThumbprint: string | undefined;
}

/** Verifies bearer tokens. */
export interface TokenVerifier {
  /** Whether a token has been verified before, even if it must be verified again. */
  knows(token: string): boolean;
  /**
   * @throws OperationError "unauthenticated", with a reason for the token's owner, or
   *   "keys-unavailable"
   */
  verify(token: string): TokenClaims | Promise<TokenClaims>;
  close(): void;
}

/** Asymmetric only: the verifier could forge what is signed with a shared secret (HS256). */
const ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];

/** Tolerated clock skew, in seconds. */
const CLOCK_TOLERANCE_SECONDS = 5;

/** How long a verified token is cached, in milliseconds: its key may be withdrawn. */
const CACHE_MS = 30_000;

/** Maximum number of cached tokens: each caller has a few. */
const MAX_CACHED = 10_000;

/** Retry delay (ms) while the keys are unavailable. */
const RETRY_AFTER_MS = 5_000;

interface CachedToken {
  readonly claims: TokenClaims;
  readonly until: number;
  readonly keysVersion: unknown;
}

/**
 * Verifies tokens against a JWKS: signature, issuer, audience, expiry. The keys are fetched (or
 * read) again regularly and when a token names an unknown one, so that they can be rotated and
 * withdrawn without a restart.
 */
export function createTokenVerifier(
  { keys, issuer, audience, type, operatorClaim }: TokenOptions,
  log: Logger,
): TokenVerifier {
  const signingKeys = openSigningKeys(keys, log);
  const cache = new Map<string, CachedToken>();
  // One verification for all concurrent calls with a token.
  const pending = new Map<string, Promise<TokenClaims>>();

  const check = async (token: string): Promise<TokenClaims> => {
    let payload: JWTPayload;
    try {
      ({ payload } = await jwtVerify(token, signingKeys.get, {
        issuer,
        audience,
        ...(type !== undefined && { typ: type }),
        algorithms: ALGORITHMS,
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        requiredClaims: ["exp", "sub"],
      }));
    } catch (error) {
      const rejected = rejection(error, log);
      if (rejected.kind === "unauthenticated") {
        cache.delete(token);
      }
      throw rejected;
    }
    const claims = readClaims(payload, operatorClaim);
    const until = Math.min(Date.now() + CACHE_MS, claims.expiresAt, signingKeys.validUntil());
    cache.delete(token);
    if (cache.size >= MAX_CACHED) {
      cache.delete(cache.keys().next().value as string);
    }
    cache.set(token, { claims, until, keysVersion: signingKeys.version() });
    return claims;
  };

  return {
    knows: (token) => cache.has(token),
    verify(token) {
      const cached = cache.get(token);
      if (cached !== undefined && cached.until > Date.now() && cached.keysVersion === signingKeys.version()) {
        return cached.claims;
      }
      let checked = pending.get(token);
      if (checked === undefined) {
        checked = check(token).finally(() => pending.delete(token));
        pending.set(token, checked);
      }
      return checked;
    },
    close: signingKeys.close,
  };
}

function readClaims(payload: JWTPayload, operatorClaim: string): TokenClaims {
  const { sub, roles, exp = 0, cnf } = payload;
  // Checked at run time: a token may contain anything.
  if (typeof sub !== "string" || !CALLER_NAME_PATTERN.test(sub)) {
    throw unauthenticated("token claim sub must be a caller name of 1 to 64 printable ASCII characters");
  }
  const isList = Array.isArray(roles) && roles.every((role) => typeof role === "string");
  return {
    name: sub,
    roles: isList ? (roles as string[]) : [],
    operator: operatorIn(payload, operatorClaim),
    expiresAt: exp * 1000,
    certificateThumbprint: thumbprintIn(cnf),
  };
}

/** Length of the columns for operators, in characters. */
const MAX_OPERATOR_LENGTH = 64;

/** The person in a token. A claim that cannot be recorded as it is, is an error. */
function operatorIn(payload: JWTPayload, claim: string): string {
  const value = Object.hasOwn(payload, claim) ? payload[claim] : undefined;
  if (value === undefined) {
    return "";
  }
  const isName =
    typeof value === "string" &&
    value.isWellFormed() &&
    findUnprintable(value) === undefined &&
    value.trim() !== "" &&
    [...value].length <= MAX_OPERATOR_LENGTH;
  if (!isName) {
    throw unauthenticated(
      `token claim ${claim} must name a person in 1 to ${MAX_OPERATOR_LENGTH} printable characters`,
    );
  }
  return value;
}

/**
 * The certificate in the claim `cnf`, which binds a token to a key of its owner; a thief of the
 * token lacks the key. A binding that this service cannot check is an error.
 */
function thumbprintIn(cnf: unknown): string | undefined {
  if (cnf === undefined) {
    return undefined;
  }
  const [member, ...others] = typeof cnf === "object" && cnf !== null ? Object.entries(cnf) : [];
  if (member?.[0] !== "x5t#S256" || typeof member[1] !== "string" || others.length > 0) {
    throw unauthenticated(
      "token claim cnf binds the token to a key in a way that is not supported: use x5t#S256 alone",
    );
  }
  return member[1];
}

/** Why a token is rejected, without details for strangers. */
function rejection(error: unknown, log: Logger): OperationError {
  if (error instanceof errors.JOSEError) {
    return unauthenticated(rejectionReason(error));
  }
  if (!(error instanceof SigningKeysUnavailableError)) {
    // Not of the token: the issuer's key cannot be imported.
    log.error({ reason: String(error) }, "token signing key unusable");
  }
  return new OperationError("keys-unavailable", "token signing keys unavailable; retry", {
    retryAfterMs: RETRY_AFTER_MS,
  });
}

function rejectionReason(error: Error): string {
  if (error instanceof errors.JWTExpired) {
    return TOKEN_EXPIRED;
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    const where = error.claim === "typ" ? "header" : "claim";
    return `token ${where} ${error.claim} is ${error.reason === "missing" ? "missing" : "not accepted"}`;
  }
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) {
    return "unknown key id in the token";
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return "invalid token signature";
  }
  if (error instanceof errors.JOSEAlgNotAllowed) {
    return "token algorithm is not accepted";
  }
  return "malformed token";
}
