import { expect, test } from "vitest";
import { readTracing } from "../../../src/config/otel-variables.ts";

const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318" };

test("tracing is off without an endpoint and when disabled", () => {
  const off = { settings: undefined, warnings: [] };
  expect(readTracing({})).toEqual(off);
  expect(readTracing({ OTEL_SERVICE_NAME: "oms" })).toEqual(off);
  expect(readTracing({ ...endpoint, OTEL_SDK_DISABLED: "TRUE" })).toEqual(off);
  expect(readTracing({ ...endpoint, OTEL_TRACES_EXPORTER: "none" })).toEqual(off);
});

test("the endpoint of all signals gets the path of traces; the traces endpoint is used as is", () => {
  expect(readTracing(endpoint).settings?.url).toBe("http://collector:4318/v1/traces");
  const own = { ...endpoint, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://traces/in" };
  expect(readTracing(own).settings?.url).toBe("https://traces/in");
});

test("sampler and batching follow the OpenTelemetry variables", () => {
  const set = {
    ...endpoint,
    OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
    OTEL_TRACES_SAMPLER_ARG: "0.01",
    OTEL_BSP_MAX_QUEUE_SIZE: "100",
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "10",
    OTEL_BSP_SCHEDULE_DELAY: "200",
  };
  expect(readTracing(set)).toEqual({
    settings: {
      url: "http://collector:4318/v1/traces",
      sampler: "parentbased_traceidratio",
      ratio: 0.01,
      maxQueue: 100,
      maxBatch: 10,
      delayMs: 200,
    },
    warnings: [],
  });
});

test("an invalid value is ignored with a warning", () => {
  const { settings, warnings } = readTracing({
    ...endpoint,
    OTEL_TRACES_SAMPLER: "jaeger_remote",
    OTEL_TRACES_SAMPLER_ARG: "half",
    OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
  });
  expect(settings).toMatchObject({ sampler: "parentbased_always_on", ratio: 1 });
  expect(warnings).toEqual([
    'OTEL_EXPORTER_OTLP_PROTOCOL="grpc" is invalid and ignored: expected http/protobuf, the only supported protocol',
    expect.stringMatching(/^OTEL_TRACES_SAMPLER="jaeger_remote" is invalid and ignored: expected one of always_on, /),
    'OTEL_TRACES_SAMPLER_ARG="half" is invalid and ignored: expected a number from 0 to 1',
  ]);
  expect(readTracing({ OTEL_EXPORTER_OTLP_ENDPOINT: "collector" })).toEqual({
    settings: undefined,
    warnings: [expect.stringContaining('OTEL_EXPORTER_OTLP_ENDPOINT="collector" is invalid')],
  });
});
