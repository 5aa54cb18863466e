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
    expect(readConfig({ OMS_HOST, OMS_AUTH: "jwt", ...JWT, ...TLS }).listen.host).toBe(OMS_HOST);
  },
);

test("tokens in cleartext beyond loopback require the proxy that terminates TLS", () => {
  const env = { OMS_HOST: "0.0.0.0", OMS_AUTH: "jwt", ...JWT };
  expect(() => readConfig(env)).toThrow(
    'OMS_AUTH=jwt requires TLS for OMS_HOST="0.0.0.0": tokens would cross the network in cleartext. Set OMS_TLS_CERT_FILE and OMS_TLS_KEY_FILE, or OMS_TLS_TERMINATED_BY to the addresses of the proxies that terminate TLS.',
  );
  const terminated = readConfig({ ...env, OMS_TLS_TERMINATED_BY: "10.1.0.0/16, 10.2.3.4,2001:db8::/32" });
  expect(terminated.tls.terminatedBy).toEqual(["10.1.0.0/16", "10.2.3.4", "2001:db8::/32"]);
  expect(readConfig({ ...env, OMS_HOST: "127.0.0.1" }).tls.terminatedBy).toEqual([]);
});

test("an open metrics port beyond loopback requires the addresses of the monitoring", () => {
  const env = { OMS_HOST: "0.0.0.0", OMS_AUTH: "jwt", ...JWT, ...TLS, OMS_METRICS_PORT: "9090" };
  expect(() => readConfig(env)).toThrow(
    'OMS_METRICS_PORT requires OMS_METRICS_ALLOW for OMS_HOST="0.0.0.0": any client on the network could read the metrics. Set it to the addresses of the monitoring.',
  );
  expect(readConfig({ ...env, OMS_METRICS_ALLOW: "10.9.0.0/24" }).listen.metricsAllow).toEqual(["10.9.0.0/24"]);
  expect(readConfig({ OMS_METRICS_PORT: "9090" }).listen.metricsAllow).toEqual([]);
});

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
  [
    { OMS_TLS_TERMINATED_BY: "10.1.0.0/99" },
    'OMS_TLS_TERMINATED_BY="10.1.0.0/99" is invalid: expected comma-separated IP',
  ],
  [{ OMS_METRICS_ALLOW: "prometheus" }, 'OMS_METRICS_ALLOW="prometheus" is invalid: expected comma-separated IP'],
  [{ OMS_ALLOWED_HOSTS: "https://oms" }, 'OMS_ALLOWED_HOSTS="https://oms" is invalid: expected comma-separated host'],
  [{ OMS_ALLOWED_HOSTS: "oms:8080" }, 'OMS_ALLOWED_HOSTS="oms:8080" is invalid'],
  [{ ...TLS, OMS_TLS_CLIENT_CRL_FILE: "crl.pem" }, "OMS_TLS_CLIENT_CRL_FILE requires OMS_TLS_CLIENT_CA_FILE."],
])("%j is rejected", (env, message) => {
  expect(() => readConfig(env)).toThrow(message);
});
