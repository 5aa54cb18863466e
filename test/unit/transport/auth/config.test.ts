import { expect, test } from "vitest";
import { ConfigError, readConfig } from "../../../../src/config/load.ts";

const TLS = { OMS_TLS_CERT_FILE: "tls.crt", OMS_TLS_KEY_FILE: "tls.key" };
const JWT = { OMS_JWT_KEYS: "jwks.json", OMS_JWT_ISSUER: "i", OMS_JWT_AUDIENCE: "a" };

test.each(["127.0.0.1", "127.1.2.3", "localhost", "::1"])("authentication is optional on %s", (OMS_HOST) => {
  expect(readConfig({ OMS_HOST }).auth.methods).toEqual([]);
});

test.each(["0.0.0.0", "::", "10.1.2.3", "oms.example.com", "127.example.com", "localhost.example.com"])(
  "authentication is required on %s",
  (OMS_HOST) => {
    expect(() => readConfig({ OMS_HOST })).toThrow(
      new ConfigError(
        `OMS_AUTH=none requires a loopback OMS_HOST, was "${OMS_HOST}": any client on the network could change orders. Set OMS_HOST=127.0.0.1, or OMS_AUTH to jwt or mtls.`,
      ),
    );
    expect(readConfig({ OMS_HOST, OMS_AUTH: "jwt", ...JWT }).listen.host).toBe(OMS_HOST);
  },
);

test.each([
  ["none", {}, []],
  ["jwt", JWT, ["jwt"]],
  ["mtls", { ...TLS, OMS_TLS_CLIENT_CA_FILE: "ca.crt" }, ["mtls"]],
  ["mtls, jwt", { ...JWT, ...TLS, OMS_TLS_CLIENT_CA_FILE: "ca.crt" }, ["jwt", "mtls"]],
])("OMS_AUTH=%s", (OMS_AUTH, env, methods) => {
  expect(readConfig({ OMS_AUTH, ...env }).auth.methods).toEqual(methods);
});

test.each([
  [{ OMS_AUTH: "basic" }, 'OMS_AUTH="basic" is invalid: expected none, jwt, mtls, or jwt,mtls.'],
  [{ OMS_AUTH: "none,jwt", ...JWT }, 'OMS_AUTH="none,jwt" is invalid'],
  [{ OMS_AUTH: "jwt" }, "OMS_AUTH=jwt requires OMS_JWT_KEYS, OMS_JWT_ISSUER and OMS_JWT_AUDIENCE."],
  [{ OMS_AUTH: "jwt", ...JWT, OMS_JWT_AUDIENCE: "" }, "OMS_AUTH=jwt requires"],
  [{ OMS_AUTH: "jwt,mtls", ...JWT }, "OMS_AUTH=mtls requires OMS_TLS_CLIENT_CA_FILE"],
  [{ ...TLS, OMS_TLS_CLIENT_CRL_FILE: "crl.pem" }, "OMS_TLS_CLIENT_CRL_FILE requires OMS_TLS_CLIENT_CA_FILE."],
])("%j is rejected", (env, message) => {
  expect(() => readConfig(env)).toThrow(message);
});
