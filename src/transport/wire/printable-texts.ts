import { type DescField, type DescMessage, getOption, type Message, ScalarType } from "@bufbuild/protobuf";
import { field as fieldRules, Ignore } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import type { FieldViolation } from "../../application/errors.ts";
import { findUnprintable } from "../../observability/unprintable.ts";

/**
 * Finds the texts of a request with control characters or bidirectional formatting. The rule
 * applies to every text of the contract, hence is not repeated at each field.
 *
 * @param max maximum number of violations; the search ends there
 */
export function unprintableTexts(schema: DescMessage, message: Message, max: number): FieldViolation[] {
  const violations: FieldViolation[] = [];
  collect(schema, message, "", max, violations);
  return violations;
}

function collect(schema: DescMessage, message: Message, path: string, max: number, violations: FieldViolation[]): void {
  for (const field of textFieldsOf(schema)) {
    if (violations.length >= max) {
      return;
    }
    const value = fieldValue(message, field);
    const fieldPath = `${path}${field.name}`;
    if (field.fieldKind === "list") {
      for (const [index, item] of (value as unknown[]).entries()) {
        collectValue(field, item, () => `${fieldPath}[${index}]`, max, violations);
      }
    } else if (field.fieldKind === "map") {
      for (const [key, item] of Object.entries(value as object)) {
        const itemPath = () => `${fieldPath}[${JSON.stringify(key)}]`;
        report(key, itemPath, max, violations);
        collectValue(field, item, itemPath, max, violations);
      }
    } else if (value !== undefined) {
      collectValue(field, value, () => fieldPath, max, violations);
    }
  }
}

function collectValue(
  field: DescField,
  value: unknown,
  path: () => string,
  max: number,
  violations: FieldViolation[],
): void {
  if (typeof value === "string") {
    report(value, path, max, violations);
  } else if (field.message !== undefined) {
    collect(field.message, value as Message, `${path()}.`, max, violations);
  }
}

function report(text: string, path: () => string, max: number, violations: FieldViolation[]): void {
  const found = violations.length < max ? findUnprintable(text) : undefined;
  if (found !== undefined) {
    const { character, position } = found;
    violations.push({
      field: path(),
      description: `must not contain control characters or bidirectional formatting, contains ${character} at position ${position}`,
    });
  }
}

/** A member of a oneof that is not set, or a message that is not set: undefined. */
function fieldValue(message: Message, { localName, oneof }: DescField): unknown {
  const fields = message as unknown as Record<string, unknown>;
  if (oneof === undefined) {
    return fields[localName];
  }
  const set = fields[oneof.localName] as { readonly case: string | undefined; readonly value?: unknown };
  return set.case === localName ? set.value : undefined;
}

const textFields = new WeakMap<DescMessage, readonly DescField[]>();

/** The fields that are texts, or have texts in them. */
function textFieldsOf(schema: DescMessage): readonly DescField[] {
  let found = textFields.get(schema);
  if (found === undefined) {
    // Set first: a message may contain itself.
    textFields.set(schema, []);
    found = schema.fields.filter((field) => hasTexts(field) && !isIgnored(field));
    textFields.set(schema, found);
  }
  return found;
}

function hasTexts(field: DescField): boolean {
  return (
    field.scalar === ScalarType.STRING ||
    (field.fieldKind === "map" && field.mapKey === ScalarType.STRING) ||
    (field.message !== undefined && textFieldsOf(field.message).length > 0)
  );
}

/** Items that are validated one by one, so that an invalid one fails alone. */
function isIgnored(field: DescField): boolean {
  const rules = getOption(field, fieldRules);
  const items = rules.type.case === "repeated" ? rules.type.value.items : undefined;
  return rules.ignore === Ignore.ALWAYS || items?.ignore === Ignore.ALWAYS;
}
