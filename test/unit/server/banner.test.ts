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
