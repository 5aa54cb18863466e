import type { SamplerName, TracingSettings } from "../observability/tracing.ts";

/** The tracing configuration by OpenTelemetry's own variables. */
export interface TracingVariables {
  /** Undefined: tracing is off. */
  readonly settings: TracingSettings | undefined;
  /** Invalid values, which the OpenTelemetry specification requires to ignore with a warning. */
  readonly warnings: readonly string[];
}

const SAMPLERS: readonly string[] = [
  "always_on",
  "always_off",
  "traceidratio",
  "parentbased_always_on",
  "parentbased_always_off",
  "parentbased_traceidratio",
] satisfies SamplerName[];

/**
 * Larger than the specification's 2,048: 100 ms of spans at full load, while an export is in
 * flight.
 */
const MAX_QUEUE = 8_192;
const MAX_BATCH = 512;
const DELAY_MS = 1_000;

const ENDPOINTS = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"] as const;
const PROTOCOLS = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"] as const;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the variables that the SDK's components leave to the application. Without an endpoint,
 * tracing is off.
 */
export function readTracing(env: Environment): TracingVariables {
  const url = tracesEndpoint(env);
  if (url === undefined || env.OTEL_SDK_DISABLED?.toLowerCase() === "true" || env.OTEL_TRACES_EXPORTER === "none") {
    return { settings: undefined, warnings: [] };
  }
  const warnings: string[] = [];
  const warn = (name: string, expected: string) => {
    warnings.push(`${name}="${env[name]}" is invalid and ignored: expected ${expected}`);
  };
  const numberOf = (name: string, byDefault: number, max: number, min = 1) => {
    const value = Number(env[name] ?? byDefault);
    if (value >= min && value <= max) {
      return value;
    }
    warn(name, `a number from ${min} to ${max}`);
    return byDefault;
  };
  if (!URL.canParse(url)) {
    warn(ENDPOINTS.find((name) => env[name] !== undefined) ?? "", "a URL like http://host:4318; tracing is off");
    return { settings: undefined, warnings };
  }
  for (const name of PROTOCOLS.filter((one) => ![undefined, "http/protobuf"].includes(env[one]))) {
    warn(name, "http/protobuf, the only supported protocol");
  }
  let sampler = env.OTEL_TRACES_SAMPLER ?? "parentbased_always_on";
  if (!SAMPLERS.includes(sampler)) {
    warn("OTEL_TRACES_SAMPLER", `one of ${SAMPLERS.join(", ")}`);
    sampler = "parentbased_always_on";
  }
  const settings = {
    url,
    sampler: sampler as SamplerName,
    ratio: numberOf("OTEL_TRACES_SAMPLER_ARG", 1, 1, 0),
    maxQueue: numberOf("OTEL_BSP_MAX_QUEUE_SIZE", MAX_QUEUE, 1_000_000),
    maxBatch: numberOf("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", MAX_BATCH, 100_000),
    delayMs: numberOf("OTEL_BSP_SCHEDULE_DELAY", DELAY_MS, 3_600_000),
  };
  return { settings, warnings };
}

/** The traces endpoint as set; else the endpoint of all signals with the path of traces. */
function tracesEndpoint(env: Environment): string | undefined {
  const [traces, all] = ENDPOINTS.map((name) => env[name]);
  return traces ?? (all === undefined ? undefined : `${all.replace(/\/$/, "")}/v1/traces`);
}
