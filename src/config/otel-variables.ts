import type { SamplerName, TracingSettings } from "../observability/tracing.ts";

/** What is set for tracing by OpenTelemetry's own variables; undefined settings: nothing is traced. */
export interface TracingRead {
  readonly settings: TracingSettings | undefined;
  /** What is set and has no effect here: the standard asks to go on with the default, and to say so. */
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

/** Larger than the standard's 2,048: a hundred milliseconds of full load, while a request is on its way. */
const MAX_QUEUE = 8_192;
const MAX_BATCH = 512;
const DELAY_MS = 1_000;

/** Reads the standard's variables as far as the SDK's parts leave them to their user. Nothing is traced without an endpoint. */
export function readTracing(env: Readonly<Record<string, string | undefined>>): TracingRead {
  const url = endpointIn(env);
  if (url === undefined || env.OTEL_SDK_DISABLED?.toLowerCase() === "true" || env.OTEL_TRACES_EXPORTER === "none") {
    return { settings: undefined, warnings: [] };
  }
  const warnings: string[] = [];
  const warn = (name: string, right: string) => {
    warnings.push(`${name} is "${env[name]}" and is not used; right would be ${right}`);
  };
  const numberIn = (name: string, byDefault: number, max: number, min = 1) => {
    const text = env[name];
    const value = Number(text ?? byDefault);
    if (value >= min && value <= max) {
      return value;
    }
    warn(name, `a number from ${min} to ${max}`);
    return byDefault;
  };
  if (!URL.canParse(url)) {
    warn(ENDPOINTS.find((name) => env[name] !== undefined) ?? "", "a URL like http://host:4318; nothing is traced");
    return { settings: undefined, warnings };
  }
  for (const name of PROTOCOLS.filter((one) => ![undefined, "http/protobuf"].includes(env[one]))) {
    warn(name, "http/protobuf, which is what is spoken");
  }
  let sampler = env.OTEL_TRACES_SAMPLER ?? "parentbased_always_on";
  if (!SAMPLERS.includes(sampler)) {
    warn("OTEL_TRACES_SAMPLER", `one of ${SAMPLERS.join(", ")}`);
    sampler = "parentbased_always_on";
  }
  const settings = {
    url,
    sampler: sampler as SamplerName,
    ratio: numberIn("OTEL_TRACES_SAMPLER_ARG", 1, 1, 0),
    maxQueue: numberIn("OTEL_BSP_MAX_QUEUE_SIZE", MAX_QUEUE, 1_000_000),
    maxBatch: numberIn("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", MAX_BATCH, 100_000),
    delayMs: numberIn("OTEL_BSP_SCHEDULE_DELAY", DELAY_MS, 3_600_000),
  };
  return { settings, warnings };
}

const ENDPOINTS = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"] as const;
const PROTOCOLS = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"] as const;

/** The address for traces as it is; else the one for all signals, with their path. */
function endpointIn(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const [own, common] = ENDPOINTS.map((name) => env[name]);
  return own ?? (common === undefined ? undefined : `${common.replace(/\/$/, "")}/v1/traces`);
}
