import { expect, test } from "vitest";
import { readConfig } from "../../../src/config/load.ts";
import { banner } from "../../../src/server/banner.ts";

const options = {
  config: readConfig({}),
  ports: { grpc: 50_051, http: 8_080 },
  natsUrl: "nats://oms:secret@127.0.0.1:4222",
  stubSystemsUrl: "http://127.0.0.1:8090",
  sampleOrderId: 171_203_044n,
};

/** The lines between the headline and the commands. */
const endpointsIn = (text: string) => text.slice(text.indexOf("running.\n") + 10, text.indexOf("\nTry")).trimEnd();

test("lists the endpoints, without passwords", () => {
  expect(endpointsIn(banner(options))).toBe(
    [
      "  gRPC         127.0.0.1:50051   (reflection, health)",
      "  HTTP         http://127.0.0.1:8080   (Connect, gRPC-Web, /readyz, /metrics)",
      "  legacy       http://127.0.0.1:8080/services   (legacy endpoints over HTTP and SOAP)",
      "  events       nats://oms:***@127.0.0.1:4222   (stream OMS_EVENTS, subjects oms.v1.>)",
      "  stub systems http://127.0.0.1:8090   (requests received by the stub systems)",
    ].join("\n"),
  );
});

test("omits what is not served", () => {
  const text = banner({ ...options, config: readConfig({ OMS_LEGACY: "off" }), stubSystemsUrl: undefined });
  expect(text).not.toMatch(/legacy|stub systems/);
});

test("names health and metrics for a role without calls", () => {
  expect(banner({ ...options, ports: { grpc: undefined, http: 8_080 } })).toBe(
    "\nThe Action runner is running. Health and metrics: http://127.0.0.1:8080/readyz, http://127.0.0.1:8080/metrics. Press Ctrl-C to stop.\n",
  );
});

test("its commands name other ports, the CA of TLS, and a token", () => {
  const text = banner({ ...options, ports: { grpc: 50_151, http: 8_181 } });
  expect(text).toContain("npx oms --server 127.0.0.1:50151 order explain");
  expect(text).toContain("OMS_GRPC_PORT=50151 OMS_HTTP_PORT=8181 npm run demo");
  expect(banner(options)).toContain("\n  npx oms order explain");
  expect(banner(options)).toContain("\n  npm run demo");
  const config = { ...options.config, tls: { ...options.config.tls, certFile: "tls.crt" } };
  const secured = banner({
    ...options,
    config: { ...config, auth: { ...config.auth, methods: ["jwt"] } } as never,
  });
  expect(secured).toContain("npx oms --tls-ca ca.pem order explain");
  expect(secured).toContain('--cacert ca.pem -H "authorization: Bearer $OMS_TOKEN"');
  expect(secured).toContain("https://127.0.0.1:50051/");
  expect(secured).not.toContain("npm run demo");
});
