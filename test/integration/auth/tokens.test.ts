import { createHmac } from "node:crypto";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, inject, onTestFinished, test } from "vitest";
import { OperationError } from "../../../src/application/errors.ts";
import { createLogger } from "../../../src/observability/log.ts";
import { createTokenVerifier } from "../../../src/transport/auth/tokens.ts";
import { eventually } from "../../support/eventually.ts";
import { AUDIENCE, createIssuer, ISSUER, serveKeys } from "./issuer.ts";

let files = 0;

function verifierFor(keys: string) {
  const lines: Record<string, unknown>[] = [];
  const log = createLogger("info", { write: (line: string) => void lines.push(JSON.parse(line)) });
  const verifier = createTokenVerifier({ keys, issuer: ISSUER, audience: AUDIENCE }, log);
  onTestFinished(() => verifier.close());
  return { verify: async (token: string) => verifier.verify(token), lines };
}

async function keysFile(text: string): Promise<string> {
  files += 1;
  const path = join(inject("folder"), `jwks-${process.pid}-${files}.json`);
  await writeFile(path, text);
  return path;
}

async function rejection(result: Promise<unknown>): Promise<string> {
  const error = await result.then(
    (claims) => `accepted: ${JSON.stringify(claims)}`,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof OperationError)) {
    throw error;
  }
  expect(error.kind).toBe("unauthenticated");
  return error.message;
}

test("a token has the caller's name and roles", async () => {
  const issuer = await createIssuer();
  const { verify } = verifierFor(await keysFile(issuer.jwks()));
  expect(await verify(await issuer.token({ sub: "wms-3", roles: ["wms", "tms"] }))).toEqual({
    name: "wms-3",
    roles: ["wms", "tms"],
    expiresAt: expect.any(Number),
  });
  expect(await verify(await issuer.token({ roles: "wms" }))).toMatchObject({ name: "wms", roles: [] });
});

const base64 = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
const claims = { sub: "wms", iss: ISSUER, aud: AUDIENCE, exp: 4_102_444_800 };
const INVALID_NAME = "token claim sub must be a caller name of 1 to 64 printable ASCII characters";
const BAD_SIGNATURE = "invalid token signature";
const MALFORMED = "malformed token";
const BAD_ALGORITHM = "token algorithm is not accepted";

test("an invalid token is rejected with the reason", async () => {
  const issuer = await createIssuer();
  const other = await createIssuer();
  const { verify, lines } = verifierFor(await keysFile(issuer.jwks()));
  const [header, payload, signature] = (await issuer.token()).split(".") as [string, string, string];
  const key = JSON.parse(issuer.jwks()).keys[0];
  const hs256 = `${base64({ alg: "HS256", kid: "k1" })}.${base64(claims)}`;
  const forged = createHmac("sha256", JSON.stringify(key)).update(hs256).digest("base64url");
  const cases: [string, string, string][] = [
    ["of another issuer's key", await other.token(), BAD_SIGNATURE],
    ["of an unknown key", await issuer.token({ kid: "k9" }), "unknown key id in the token"],
    ["with changed claims", `${header}.${base64(claims)}.${signature}`, BAD_SIGNATURE],
    ["without signature", `${header}.${payload}.`, BAD_SIGNATURE],
    ["alg none", `${base64({ alg: "none" })}.${base64(claims)}.`, BAD_ALGORITHM],
    ["HS256 with the public key", `${hs256}.${forged}`, BAD_ALGORITHM],
    ["no token", "abc", MALFORMED],
    ["three parts that are no token", "a.b.c", MALFORMED],
    ["expired", await issuer.token({ exp: -10 }), "token expired; request a new one"],
    ["of another issuer", await issuer.token({ iss: "https://evil" }), "token claim iss is not accepted"],
    ["for another audience", await issuer.token({ aud: "shop" }), "token claim aud is not accepted"],
    ["null as sub", await issuer.token({ sub: null }), INVALID_NAME],
    ["a number as sub", await issuer.token({ sub: 7 }), INVALID_NAME],
    ["an invalid name as sub", await issuer.token({ sub: "a\nb" }), INVALID_NAME],
  ];
  for (const [name, token, message] of cases) {
    expect([name, await rejection(verify(token))]).toEqual([name, message]);
  }
  expect(JSON.stringify(lines)).not.toContain(payload);
});

test("a cached token is rejected once it has expired", async () => {
  const issuer = await createIssuer();
  const { verify } = verifierFor(await keysFile(issuer.jwks()));
  // Clocks may differ by 5 seconds; the cache ends with the expiry itself.
  const token = await issuer.token({ exp: -4 });
  expect(await verify(token)).toMatchObject({ name: "wms", roles: [] });
  await eventually(async () => expect(await rejection(verify(token))).toBe("token expired; request a new one"));
});

test("keys at a URL are fetched once", async () => {
  const issuer = await createIssuer();
  const jwks = await serveKeys(issuer);
  const { verify } = verifierFor(jwks.url);
  await Promise.all([verify(await issuer.token()), verify(await issuer.token({ sub: "tms" }))]);
  await verify(await issuer.token({ sub: "dms" }));
  expect(jwks.requestCount()).toBe(1);
});

test("a changed key file is reloaded; an unusable one is logged once and ignored", async () => {
  const issuer = await createIssuer();
  const path = await keysFile(issuer.jwks());
  const { verify, lines } = verifierFor(path);
  await verify(await issuer.token());
  await writeFile(path, "{ half");
  await eventually(() => expect(lines).toMatchObject([{ level: "error", file: path }]));
  expect(await verify(await issuer.token({ sub: "tms" }))).toMatchObject({ name: "tms", roles: [] });

  await issuer.rotate();
  const late = await issuer.token({ sub: "dms" });
  expect(await rejection(verify(late))).toBe("unknown key id in the token");
  // As a mounted secret is replaced: by another file.
  await writeFile(`${path}.new`, issuer.jwks());
  await rename(`${path}.new`, path);
  await eventually(async () => expect(await verify(late)).toMatchObject({ name: "dms", roles: [] }));
});

test("unavailable keys: logged, without details for the caller", async () => {
  const issuer = await createIssuer();
  const { verify, lines } = verifierFor("http://127.0.0.1:1/jwks");
  expect(await rejection(verify(await issuer.token()))).toBe("token signing keys unavailable; retry");
  expect(lines).toMatchObject([{ level: "error", msg: "token signing keys unavailable" }]);
});

test("an unusable key file at startup is named in the error", () => {
  expect(() => verifierFor("/nowhere/jwks.json")).toThrow("/nowhere/jwks.json: ENOENT");
});
