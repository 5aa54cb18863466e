import { expect, test } from "vitest";
import { ConfigError, readConfig } from "../../../../src/config/load.ts";

const TLS = { OMS_TLS_CERT_FILE: "tls.crt", OMS_TLS_KEY_FILE: "tls.key" };
const JWT = { OMS_JWT_KEYS: "jwks.json", OMS_JWT_ISSUER: "i", OMS_JWT_AUDIENCE: "a" };

test.each(["127.0.0.1", "127.1.2.3", "localhost", "::1"])("on %s a caller's word may be taken", (OMS_HOST) => {
  expect(readConfig({ OMS_HOST }).auth).toBeUndefined();
});

test.each(["0.0.0.0", "::", "10.1.2.3", "oms.example.com", "127.example.com", "localhost.example.com"])(
  "on %s it may not: the service refuses to start and says why",
  (OMS_HOST) => {
    expect(() => readConfig({ OMS_HOST })).toThrow(
      new ConfigError(
        `OMS_HOST is "${OMS_HOST}" while OMS_AUTH is "none": anybody who reaches this machine could change orders. Right would be OMS_HOST=127.0.0.1, or OMS_AUTH=jwt or mtls.`,
      ),
    );
    expect(readConfig({ OMS_HOST, OMS_AUTH: "jwt", ...JWT }).host).toBe(OMS_HOST);
  },
);

test.each([
  ["jwt", JWT, { tokens: { keys: "jwks.json", issuer: "i", audience: "a" }, certificates: false }],
  ["mtls", { ...TLS, OMS_TLS_CLIENT_CA_FILE: "ca.crt" }, { tokens: undefined, certificates: true }],
  [
    "jwt, mtls",
    { ...JWT, ...TLS, OMS_TLS_CLIENT_CA_FILE: "ca.crt" },
    { tokens: { keys: "jwks.json", issuer: "i", audience: "a" }, certificates: true },
  ],
])("OMS_AUTH=%s", (OMS_AUTH, env, auth) => {
  expect(readConfig({ OMS_AUTH, ...env }).auth).toEqual({ ...auth, rightsFile: undefined });
});

test.each([
  [{ OMS_AUTH: "basic" }, 'OMS_AUTH is "basic"; right would be none, jwt, mtls, or jwt,mtls (then either will do).'],
  [{ OMS_AUTH: "none,jwt", ...JWT }, 'OMS_AUTH is "none,jwt"; right would be'],
  [{ OMS_AUTH: "jwt" }, "OMS_JWT_KEYS, OMS_JWT_ISSUER and OMS_JWT_AUDIENCE say whose tokens are believed"],
  [{ OMS_AUTH: "jwt", ...JWT, OMS_JWT_AUDIENCE: "" }, "must all be set"],
  [{ OMS_AUTH: "mtls" }, "OMS_TLS_CLIENT_CA_FILE says whose client certificates are believed"],
  [{ OMS_AUTH: "jwt,mtls", ...JWT }, "OMS_TLS_CLIENT_CA_FILE says whose client certificates are believed"],
])("%j is refused", (env, message) => {
  expect(() => readConfig(env)).toThrow(message);
});
