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

/** Whose tokens are believed. */
export interface TokenOptions {
  /** Where the issuer's keys (a JWKS) are: an http(s) address, or a file. */
  readonly keys: string;
  readonly issuer: string;
  readonly audience: string;
}

/** What a token says of its bearer. */
export interface TokenClaims {
  readonly name: string;
  readonly roles: readonly string[];
  /** When it expires, in milliseconds since 1970. */
  readonly until: number;
}

/** Checks bearer tokens. */
export interface TokenVerifier {
  /** @throws OperationError "unauthenticated", with a reason that helps its owner and nobody else */
  verify(token: string): TokenClaims | Promise<TokenClaims>;
  close(): void;
}

/** Signatures that a secret which lies with the verifier could make (HS256) are none. */
const ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];

/** A clock may be wrong by so much, in seconds. */
const CLOCK_TOLERANCE_SECONDS = 5;

/** A token that was checked is believed for so long without another look, in milliseconds: a key may be withdrawn. */
const BELIEVED_MS = 30_000;

/** Tokens that are remembered: each caller has a few. */
const MAX_REMEMBERED = 10_000;

/**
 * Checks tokens against a JWKS: signature, issuer, audience, expiry. Keys are fetched (or read) again when a token names one that is not
 * known, so that they can be rotated without a restart.
 */
export function createTokenVerifier({ keys, issuer, audience }: TokenOptions, log: Logger): TokenVerifier {
  const source = keySource(keys, log);
  const believed = new Map<string, { readonly claims: TokenClaims; readonly until: number }>();

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
      throw refusalOf(error, log);
    }
    const claims = claimsOf(payload);
    const until = Math.min(Date.now() + BELIEVED_MS, claims.until);
    if (believed.size >= MAX_REMEMBERED) {
      believed.delete(believed.keys().next().value as string);
    }
    believed.set(token, { claims, until });
    return claims;
  };

  return {
    verify(token) {
      const known = believed.get(token);
      if (known !== undefined && known.until > Date.now()) {
        return known.claims;
      }
      believed.delete(token);
      return check(token);
    },
    close: source.close,
  };
}

function keySource(keys: string, log: Logger): { readonly get: JWTVerifyGetKey; close(): void } {
  if (/^https?:/.test(keys)) {
    // A redirect could lead anywhere.
    const fetchKeys: typeof fetch = (input, init) => fetch(input, { ...init, redirect: "error" });
    return { get: createRemoteJWKSet(new URL(keys), { [customFetch]: fetchKeys }), close() {} };
  }
  const file = watchFile(keys, (text) => createLocalJWKSet(JSON.parse(text) as JSONWebKeySet), log);
  return { get: (header, token) => file.value(header, token), close: file.close };
}

function claimsOf({ sub, roles, exp = 0 }: JWTPayload): TokenClaims {
  // Whatever the type says, a token may hold anything.
  if (typeof sub !== "string" || !CALLER_NAME_PATTERN.test(sub)) {
    throw unauthenticated("the token's sub must be the caller's name, 1 to 64 printable ASCII characters");
  }
  const isList = Array.isArray(roles) && roles.every((role) => typeof role === "string");
  return { name: sub, roles: isList ? (roles as string[]) : [], until: exp * 1000 };
}

/** What a token's owner may know of why it is not believed. */
function refusalOf(error: unknown, log: Logger): Error {
  if (error instanceof errors.JWTExpired) {
    return unauthenticated(TOKEN_EXPIRED);
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    return unauthenticated(`the token's ${error.claim} is not the one that is believed here`);
  }
  if (
    error instanceof errors.JOSEError &&
    !(error instanceof errors.JWKSTimeout) &&
    error.code !== "ERR_JOSE_GENERIC"
  ) {
    return unauthenticated("the token is not signed by a key that is believed here, or is no token");
  }
  log.error({ reason: String(error) }, "the keys that tokens are signed with cannot be read");
  return unauthenticated("the keys that tokens are signed with are out of reach: try again");
}
