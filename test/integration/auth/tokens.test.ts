import { createHmac } from "node:crypto";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, inject, onTestFinished, test, vi } from "vitest";
import { OperationError } from "../../../src/application/errors.ts";
import { createLogger } from "../../../src/observability/log.ts";
import { createTokenVerifier, type TokenOptions } from "../../../src/transport/auth/tokens.ts";
import { eventually } from "../../support/eventually.ts";
import { AUDIENCE, createIssuer, ISSUER, serveKeys } from "./issuer.ts";

let files = 0;

function verifierFor(keys: string, options: Partial<TokenOptions> = {}) {
  const lines: Record<string, unknown>[] = [];
  const log = createLogger("info", { write: (line: string) => void lines.push(JSON.parse(line)) });
  const verifier = createTokenVerifier(
    { keys, issuer: ISSUER, audience: AUDIENCE, operatorClaim: "sub", ...options },
    log,
  );
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
  return error.kind === "unauthenticated" ? error.message : `${error.kind}: ${error.message}`;
}

test("a token has the caller's name and roles", async () => {
  const issuer = await createIssuer();
  const { verify } = verifierFor(await keysFile(issuer.jwks()));
  expect(await verify(await issuer.token({ sub: "wms-3", roles: ["wms", "tms"] }))).toEqual({
    name: "wms-3",
    operator: "wms-3",
    roles: ["wms", "tms"],
    expiresAt: expect.any(Number),
    certificateThumbprint: undefined,
  });
  for (const roles of [undefined, null, [], "wms", ["wms", 7], { 0: "wms" }]) {
    expect(await verify(await issuer.token({ roles }))).toMatchObject({ name: "wms", roles: [] });
  }
});

const base64 = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
const claims = { sub: "wms", iss: ISSUER, aud: AUDIENCE, exp: 4_102_444_800 };
const INVALID_NAME = "token claim sub must be a caller name of 1 to 64 printable ASCII characters";
const UNSUPPORTED_BINDING =
  "token claim cnf binds the token to a key in a way that is not supported: use x5t#S256 alone";
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
    ["bound to a key of DPoP", await issuer.token({ cnf: { jkt: "x" } }), UNSUPPORTED_BINDING],
    ["bound to two keys", await issuer.token({ cnf: { "x5t#S256": "x", jkt: "x" } }), UNSUPPORTED_BINDING],
    ["bound to nothing", await issuer.token({ cnf: {} }), UNSUPPORTED_BINDING],
    ["with a malformed binding", await issuer.token({ cnf: "x" }), UNSUPPORTED_BINDING],
    ["with null as binding", await issuer.token({ cnf: null }), UNSUPPORTED_BINDING],
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
  const token = await issuer.token({ exp: -2 });
  expect(await verify(token)).toMatchObject({ name: "wms", roles: [] });
  await eventually(async () => expect(await rejection(verify(token))).toBe("token expired; request a new one"));
});

test("keys at a URL are fetched once", async () => {
  const issuer = await createIssuer();
  const jwks = await serveKeys(issuer);
  const { verify } = verifierFor(jwks.url);
  await Promise.all([verify(await issuer.token()), verify(await issuer.token({ sub: "tms" }))]);
  await verify(await issuer.token({ sub: "dms" }));
  expect(jwks.requests).toEqual([undefined]);
});

test("the header typ is checked where it is configured", async () => {
  const issuer = await createIssuer();
  const keys = await keysFile(issuer.jwks());
  const { verify } = verifierFor(keys, { type: "at+jwt" });
  expect(await rejection(verify(await issuer.token()))).toBe("token header typ is not accepted");
  expect(await rejection(verify(await issuer.token({ typ: "JWT" })))).toBe("token header typ is not accepted");
  expect(await verify(await issuer.token({ typ: "at+jwt" }))).toMatchObject({ name: "wms" });
  expect(await verify(await issuer.token({ typ: "application/AT+JWT" }))).toMatchObject({ name: "wms" });
  expect(await verifierFor(keys).verify(await issuer.token({ typ: "JWT" }))).toMatchObject({ name: "wms" });
});

describe("keys at a URL, as time passes", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["Date"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });
  const pass = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1_000);

  test("a withdrawn key is rejected after 30 seconds, also in a token that was accepted before", async () => {
    const issuer = await createIssuer();
    const { verify } = verifierFor((await serveKeys(issuer)).url);
    const [used, unused] = [await issuer.token({ exp: 3_600 }), await issuer.token({ sub: "tms", exp: 3_600 })];
    await verify(used);
    await issuer.rotate();
    pass(14);
    expect(await verify(used)).toMatchObject({ name: "wms" });
    expect(await verify(unused)).toMatchObject({ name: "tms" });
    pass(17);
    expect(await rejection(verify(used))).toBe("unknown key id in the token");
    expect(await rejection(verify(unused))).toBe("unknown key id in the token");
  });

  test("a new key is accepted at once; unknown ones cause a fetch every 5 seconds at most", async () => {
    const issuer = await createIssuer();
    const jwks = await serveKeys(issuer);
    const { verify } = verifierFor(jwks.url);
    await verify(await issuer.token({ exp: 3_600 }));
    pass(6);
    await issuer.rotate(true);
    expect(await verify(await issuer.token({ exp: 3_600 }))).toMatchObject({ name: "wms" });
    expect(jwks.requests).toHaveLength(2);
    for (let count = 0; count < 20; count += 1) {
      expect(await rejection(verify(await issuer.token({ kid: `unknown-${count}`, exp: 3_600 })))).toBe(
        "unknown key id in the token",
      );
    }
    expect(jwks.requests).toHaveLength(2);
  });

  test("keys in use are renewed before a call has to wait for them", async () => {
    const issuer = await createIssuer();
    const jwks = await serveKeys(issuer);
    const { verify } = verifierFor(jwks.url);
    await verify(await issuer.token({ exp: 3_600 }));
    pass(16);
    await verify(await issuer.token({ sub: "tms", exp: 3_600 }));
    await eventually(() => expect(jwks.requests).toHaveLength(2));
  });

  test("while fetching fails the last keys are used for 10 minutes", async () => {
    const issuer = await createIssuer();
    const jwks = await serveKeys(issuer);
    const { verify, lines } = verifierFor(jwks.url);
    const token = await issuer.token({ exp: 7_200 });
    await verify(token);
    jwks.fail(true);
    pass(595);
    expect(await verify(token)).toMatchObject({ name: "wms" });
    expect(await verify(await issuer.token({ sub: "tms", exp: 7_200 }))).toMatchObject({ name: "tms" });
    expect(lines).toMatchObject([
      { level: "error", keys: jwks.url, msg: "token signing keys cannot be fetched; using the last ones" },
    ]);
    pass(10);
    expect(await rejection(verify(token))).toBe("keys-unavailable: token signing keys unavailable; retry");
    jwks.fail(false);
    pass(6);
    expect(await verify(token)).toMatchObject({ name: "wms" });
  });
});

test("user and password in the URL are sent, and masked in the log", async () => {
  const issuer = await createIssuer();
  const jwks = await serveKeys(issuer);
  const { verify, lines } = verifierFor(jwks.url.replace("//", "//reader:s3cr%2Fet@"));
  await verify(await issuer.token());
  expect(jwks.requests).toEqual([`Basic ${Buffer.from("reader:s3cr/et").toString("base64")}`]);
  jwks.fail(true);
  const failing = verifierFor(`${jwks.url.replace("//", "//reader:s3cr%2Fet@")}?api_key=s3cret`);
  await rejection(failing.verify(await issuer.token()));
  expect(failing.lines).toHaveLength(1);
  expect(JSON.stringify([lines, failing.lines])).not.toMatch(/s3cr/);
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
  expect(await rejection(verify(await issuer.token()))).toBe("keys-unavailable: token signing keys unavailable; retry");
  expect(lines).toMatchObject([
    {
      level: "error",
      msg: "token signing keys unavailable",
      reason: expect.stringContaining("fetch failed: bad port"),
    },
  ]);
});

test("an unusable key file at startup is named in the error", () => {
  expect(() => verifierFor("/nowhere/jwks.json")).toThrow("/nowhere/jwks.json: ENOENT");
});
