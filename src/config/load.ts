import { nearest } from "../lib/nearest.ts";
import { redactUrl, redactUrls } from "../observability/redaction.ts";
import type { TracingSettings } from "../observability/tracing.ts";
import { checkConstraints } from "./constraints.ts";
import { readTracing } from "./otel-variables.ts";
import { HOOK_VARIABLES } from "./test-hooks.ts";
import { CONFIG_VARIABLES, type Settings, VARIABLES, type Variable } from "./variables.ts";

/**
 * The service's whole configuration: the values of its variables, and what is derived from the
 * environment besides.
 */
export interface Config extends Settings {
  /** From OpenTelemetry's variables; undefined: tracing is off. */
  readonly tracing: TracingSettings | undefined;
  /** Misspelt, deprecated and ignored variables; they do not prevent a start. */
  readonly warnings: readonly string[];
}

/**
 * The environment is invalid: one line per error, with the variable, its value and what is
 * expected.
 */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Parses the environment.
 *
 * @throws ConfigError with all errors
 */
export function readConfig(env: Environment): Config {
  const set = Object.fromEntries(Object.entries(env).filter(([, text]) => text !== undefined && text !== ""));
  const reader = createReader(set);
  const settings = mapValues(VARIABLES, (group) => mapValues(group, reader.read)) as Settings;
  const errors = [...reader.errors, ...checkConstraints(settings, reader.invalid)];
  if (errors.length > 0) {
    throw new ConfigError(errors.join("\n"));
  }
  const tracing = readTracing(set);
  return {
    ...settings,
    tracing: tracing.settings,
    warnings: [...reader.warnings, ...unknownVariables(set), ...tracing.warnings],
  };
}

/** Reads variables one by one and collects what is wrong with them. */
function createReader(set: Environment) {
  const errors: string[] = [];
  const warnings: string[] = [];
  const invalid = new Set<string>();

  /** The name under which the variable is set. */
  function nameIn({ name, formerly }: Variable<unknown>): string {
    if (formerly === undefined || set[formerly] === undefined) {
      return name;
    }
    warnings.push(`${formerly} is deprecated: use ${name}`);
    if (set[name] !== undefined && set[name] !== set[formerly]) {
      invalid.add(name);
      errors.push(`${name} and its former name ${formerly} have different values: unset ${formerly}.`);
    }
    return set[name] === undefined ? formerly : name;
  }

  function read(variable: Variable<unknown>): unknown {
    const name = nameIn(variable);
    const text = set[name] ?? variable.default?.toString();
    if (text === undefined) {
      return undefined;
    }
    const { success, data, error } = variable.schema.safeParse(text);
    if (!success) {
      invalid.add(variable.name);
      const expected = error.issues.map(({ message }) => message).join("; ");
      errors.push(`${shown(name, text, variable)} is invalid: expected ${expected}.`);
    }
    return data;
  }

  return { read, errors, warnings, invalid };
}

/**
 * A variable with its value, for messages: without passwords, and without the value of a secret
 * one.
 */
function shown(name: string, text: string, { secret }: Variable<unknown>): string {
  if (secret) {
    return name;
  }
  return `${name}="${name.endsWith("_URL") ? redactUrl(text) : redactUrls(text)}"`;
}

const KNOWN = CONFIG_VARIABLES.flatMap(({ name, formerly }) => [name, ...(formerly === undefined ? [] : [formerly])]);

function unknownVariables(set: Environment): string[] {
  const known = new Set([...KNOWN, ...HOOK_VARIABLES]);
  return Object.keys(set)
    .filter((name) => name.startsWith("OMS_") && !known.has(name))
    .map((name) => {
      const meant = nearest(
        name,
        CONFIG_VARIABLES.map((variable) => variable.name),
      );
      const hint = meant === undefined ? "" : `: did you mean ${meant}?`;
      return `${name} is not a variable of this service and is ignored${hint}`;
    });
}

function mapValues<Value, Result>(
  record: Readonly<Record<string, Value>>,
  map: (value: Value) => Result,
): Record<string, Result> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
