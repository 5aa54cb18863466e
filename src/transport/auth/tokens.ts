import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  type JSONWebKeySet,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from "jose";
import type { Logger } from "../../observability/log.ts";
import { CALLER_NAME_PATTERN, TOKEN_EXPIRED, unauthenticated } from "./identity.ts";
import { watchFile } from "./watched-file.ts";

/** The accepted token issuer. */
export interface TokenOptions {
  /** The issuer's key set (JWKS): an http(s) URL or a file. */
  readonly keys: string;
  readonly issuer: string;
  readonly audience: string;
}

/** The claims of a valid token. */
export interface TokenClaims {
  readonly name: string;
  readonly roles: readonly string[];
  /** In milliseconds since 1970. */
  readonly expiresAt: number;
}

/** Verifies bearer tokens. */
export interface TokenVerifier {
  /** @throws OperationError "unauthenticated", with a reason for the token's owner */
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

/**
 * Verifies tokens against a JWKS: signature, issuer, audience, expiry. The keys are fetched (or
 * read) again when a token names an unknown one, so that they can be rotated without a restart.
 */
export function createTokenVerifier({ keys, issuer, audience }: TokenOptions, log: Logger): TokenVerifier {
  const source = keySource(keys, log);
  const cache = new Map<string, { readonly claims: TokenClaims; readonly until: number }>();

  const check = async (token: string): Promise<TokenClaims> => {
    let payload: JWTPayload;
    try {
      ({ payload } = await jwtVerify(token, source.get, {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        requiredClaims: ["exp", "sub"],
      }));
    } catch (error) {
      const reason = rejectionReason(error);
      if (reason === undefined) {
        log.error({ keys, reason: String(error) }, "token signing keys unavailable");
      }
      throw unauthenticated(reason ?? "token signing keys unavailable; retry");
    }
    const claims = readClaims(payload);
    const until = Math.min(Date.now() + CACHE_MS, claims.expiresAt);
    if (cache.size >= MAX_CACHED) {
      cache.delete(cache.keys().next().value as string);
    }
    cache.set(token, { claims, until });
    return claims;
  };

  return {
    verify(token) {
      const cached = cache.get(token);
      if (cached !== undefined && cached.until > Date.now()) {
        return cached.claims;
      }
      cache.delete(token);
      return check(token);
    },
    close: source.close,
  };
}

function keySource(keys: string, log: Logger): { readonly get: JWTVerifyGetKey; close(): void } {
  if (/^https?:/.test(keys)) {
    // A redirect could lead to another host.
    const fetchKeys: typeof fetch = (input, init) => fetch(input, { ...init, redirect: "error" });
    return { get: createRemoteJWKSet(new URL(keys), { [customFetch]: fetchKeys }), close() {} };
  }
  const file = watchFile(keys, (text) => createLocalJWKSet(JSON.parse(text) as JSONWebKeySet), log);
  return { get: (header, token) => file.value(header, token), close: file.close };
}

function readClaims({ sub, roles, exp = 0 }: JWTPayload): TokenClaims {
  // Checked at run time: a token may contain anything.
  if (typeof sub !== "string" || !CALLER_NAME_PATTERN.test(sub)) {
    throw unauthenticated("token claim sub must be a caller name of 1 to 64 printable ASCII characters");
  }
  const isList = Array.isArray(roles) && roles.every((role) => typeof role === "string");
  return { name: sub, roles: isList ? (roles as string[]) : [], expiresAt: exp * 1000 };
}

/** Why a token is rejected; undefined where the keys themselves are unavailable. */
function rejectionReason(error: unknown): string | undefined {
  if (error instanceof errors.JWTExpired) {
    return TOKEN_EXPIRED;
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    return `token claim ${error.claim} is ${error.reason === "missing" ? "missing" : "not accepted"}`;
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
  const unavailable =
    !(error instanceof errors.JOSEError) || error instanceof errors.JWKSTimeout || error.code === "ERR_JOSE_GENERIC";
  return unavailable ? undefined : "malformed token";
}
