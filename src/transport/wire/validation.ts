import type { DescField, DescMessage, Message } from "@bufbuild/protobuf";
import { type Path, pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator, type Violation } from "@bufbuild/protovalidate";
import { type FieldViolation, OperationError } from "../../application/errors.ts";
import { PERSONAL_FIELDS } from "../../observability/redaction.ts";

const validator = createValidator();

/** Maximum length of a value quoted in an error, in characters. */
const MAX_QUOTED_LENGTH = 64;

/**
 * Validates a message against the contract.
 *
 * @throws OperationError "invalid", with a violation for each invalid field
 */
export function assertValid<Desc extends DescMessage>(schema: Desc, message: Message): void {
  const result = validator.validate(schema as DescMessage, message);
  if (result.kind === "valid") {
    return;
  }
  if (result.kind === "error") {
    throw result.error;
  }
  const fieldViolations = result.violations.map((violation) => toFieldViolation(violation, message));
  const text = fieldViolations.map(({ field, description }) =>
    field === "" ? description : `${field}: ${description}`,
  );
  throw new OperationError("invalid", text.join("; "), { fieldViolations });
}

/** The error for bytes that do not decode to a message. */
export function malformedBody({ typeName }: DescMessage, reason: string): OperationError {
  return new OperationError("invalid", `malformed ${typeName}: ${reason}`);
}

function toFieldViolation(violation: Violation, message: Message): FieldViolation {
  const expected = expectation(violation);
  // A rule on the whole message names its fields itself, and has no single value.
  const was = violation.field.length === 0 ? "" : `, was ${quotedValue(violation, message)}`;
  return { field: pathToString(violation.field), description: `${expected}${was}` };
}

/**
 * The rule that was violated; for an enum with the names of its values instead of their numbers.
 */
function expectation({ field, message, ruleId }: Violation): string {
  const leaf = lastField(field);
  if (ruleId.startsWith("enum.") && leaf?.enum !== undefined) {
    const names = leaf.enum.values.filter(({ number }) => number !== 0).map(({ name }) => name);
    return `must be one of ${names.join(", ")}`;
  }
  return message;
}

function quotedValue(violation: Violation, message: Message): string {
  const field = lastField(violation.field);
  const value = violation.forKey ? lastKey(violation.field) : valueAt(violation.field, message);
  if (typeof value === "string") {
    const length = [...value].length;
    // Personal data: only the length.
    if (field !== undefined && PERSONAL_FIELDS.includes(field.localName)) {
      return `*** (${length} characters)`;
    }
    return length > MAX_QUOTED_LENGTH
      ? `${JSON.stringify([...value].slice(0, MAX_QUOTED_LENGTH).join(""))}… (${length} characters)`
      : JSON.stringify(value);
  }
  if (Array.isArray(value)) {
    return `${value.length} items`;
  }
  if (value === undefined) {
    return "not set";
  }
  if (typeof value === "object" && value !== null) {
    return "seconds" in value ? `${value.seconds} seconds since 1970` : `${Object.keys(value).length} entries`;
  }
  const name = field?.enum?.value[value as number]?.name;
  return name === undefined ? String(value) : `${name} (${value})`;
}

function lastField(path: Path): DescField | undefined {
  return path.findLast((part) => part.kind === "field");
}

function lastKey(path: Path): unknown {
  const part = path.at(-1);
  return part?.kind === "map_sub" ? part.key : undefined;
}

function valueAt(path: Path, message: Message): unknown {
  let value: unknown = message;
  for (const part of path) {
    if (part.kind === "field") {
      value = (value as Record<string, unknown> | undefined)?.[part.localName];
    } else if (part.kind === "list_sub") {
      value = (value as unknown[] | undefined)?.[part.index];
    } else if (part.kind === "map_sub") {
      value = (value as Record<string, unknown> | undefined)?.[String(part.key)];
    }
  }
  return value;
}
