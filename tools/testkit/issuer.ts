import { exportJWK, generateKeyPair, SignJWT } from "jose";

/** A token issuer with rotating keys. */
export interface Issuer {
  /** Its key set (JWKS) as JSON. */
  jwks(): string;
  /** Signs with a new key from now on. @param keep whether the previous keys stay in the set */
  rotate(keep?: boolean): Promise<void>;
  /** Signs a token; by default it is valid for a minute. */
  token(claims?: {
    sub?: unknown;
    roles?: unknown;
    iss?: string;
    aud?: string;
    /** Seconds from now. */
    exp?: number;
    kid?: string;
    /** The header of that name. */
    typ?: string;
    cnf?: unknown;
    preferred_username?: unknown;
  }): Promise<string>;
}

export const ISSUER = "https://login.example.com";
export const AUDIENCE = "order-status";

export async function createIssuer(): Promise<Issuer> {
  let number = 0;
  let keys: object[] = [];
  let signing: Awaited<ReturnType<typeof generateKeyPair>>["privateKey"];
  const rotate = async (keep = false) => {
    const { privateKey, publicKey } = await generateKeyPair("ES256");
    number += 1;
    signing = privateKey;
    keys = [...(keep ? keys : []), { ...(await exportJWK(publicKey)), kid: `k${number}`, alg: "ES256", use: "sig" }];
  };
  await rotate();
  return {
    jwks: () => JSON.stringify({ keys }),
    rotate,
    token: ({ sub = "wms", iss = ISSUER, aud = AUDIENCE, exp = 60, kid = `k${number}`, typ, ...claims } = {}) =>
      new SignJWT({ sub, ...claims } as Record<string, unknown>)
        .setProtectedHeader({ alg: "ES256", kid, ...(typ !== undefined && { typ }) })
        .setIssuer(iss)
        .setAudience(aud)
        .setExpirationTime(Math.floor(Date.now() / 1000) + exp)
        .sign(signing),
  };
}
