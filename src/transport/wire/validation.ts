import { create, type DescEnum, type DescField, type DescMessage, getOption, type Message } from "@bufbuild/protobuf";
import { type Path, pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator, type Violation } from "@bufbuild/protovalidate";
import { field as fieldRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { RecordShippedQuantitiesRequestSchema } from "../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { RequestReturnRequestSchema } from "../../../gen/oms/reversal/v1/order_reversal_service_pb.ts";
import { type FieldViolation, OperationError } from "../../application/errors.ts";
import { escapeUnprintable } from "../../observability/unprintable.ts";
import { unprintableTexts } from "./printable-texts.ts";

const validator = createValidator();

/** Maximum number of violations in an error; further ones are counted. */
const MAX_VIOLATIONS = 32;

/** Maximum length of a value quoted in an error, in characters. */
const MAX_QUOTED_LENGTH = 64;

/**
 * Validates a message against the contract.
 *
 * @throws OperationError "invalid", with a violation for each invalid field
 */
export function assertValid<Desc extends DescMessage>(schema: Desc, message: Message): void {
  const result = validator.validate(schema as DescMessage, message);
  if (result.kind === "error") {
    throw result.error;
  }
  const { violations } = result;
  const fieldViolations = [
    ...duplicates(schema, message),
    ...unprintableTexts(schema, message, MAX_VIOLATIONS),
    ...(violations?.slice(0, MAX_VIOLATIONS).map((violation) => toFieldViolation(violation, message)) ?? []),
  ];
  if (fieldViolations.length > 0) {
    const more = (violations?.length ?? 0) - MAX_VIOLATIONS;
    throw invalidFields([...fieldViolations, ...(more > 0 ? [{ field: "", description: `… and ${more} more` }] : [])]);
  }
}

/** Compiles the rules of a message, which takes up to a fifth of a second. */
export function compileRules(schema: DescMessage): void {
  validator.validate(schema, create(schema));
}

/** A list whose items must differ in one field. */
interface DistinctRule {
  readonly list: DescField;
  readonly key: string;
  readonly description: string;
}

/** CEL, in which the contract could express these rules, compares every item with every other. */
const DISTINCT_RULES: readonly DistinctRule[] = [
  {
    list: RecordShippedQuantitiesRequestSchema.field.lines,
    key: "skuId",
    description: "each sku_id may stand in one line only",
  },
  { list: RequestReturnRequestSchema.field.lines, key: "skuId", description: "must name each sku_id once" },
];

function duplicates(schema: DescMessage, message: Message): FieldViolation[] {
  return DISTINCT_RULES.filter(({ list }) => list.parent === schema).flatMap(({ list, key, description }) => {
    const items = (message as unknown as Record<string, readonly Record<string, unknown>[]>)[list.localName] ?? [];
    const isDistinct = items.length > maxSize(list) || new Set(items.map((item) => item[key])).size === items.length;
    return isDistinct ? [] : [{ field: list.name, description: `${description}, was ${items.length} items` }];
  });
}

/** The error for one or more invalid fields. */
export function invalidFields(fieldViolations: readonly FieldViolation[]): OperationError {
  const text = fieldViolations.map(({ field, description }) =>
    field === "" ? description : `${field}: ${description}`,
  );
  return new OperationError("invalid", text.join("; "), { fieldViolations });
}

/** The error for bytes that do not decode to a message. */
export function malformedBody({ typeName }: DescMessage, reason: string): OperationError {
  const description = `malformed ${typeName}: ${reason}`;
  return new OperationError("invalid", description, { fieldViolations: [{ field: "", description }] });
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
    return enumExpectation(leaf.enum);
  }
  return message;
}

/** What a value of an enum must be. */
export function enumExpectation({ values }: DescEnum): string {
  const names = values.filter(({ number }) => number !== 0).map(({ name }) => name);
  return `must be one of ${names.join(", ")}`;
}

function quotedValue(violation: Violation, message: Message): string {
  const field = lastField(violation.field);
  const value = violation.forKey ? lastKey(violation.field) : valueAt(violation.field, message);
  if (typeof value === "string") {
    return quoteText(value, field);
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

/** Maximum number of items of a list or map by its rule in the contract. */
export function maxSize(field: DescField): number {
  const rules = getOption(field, fieldRules).type;
  switch (rules.case) {
    case "repeated":
      return Number(rules.value.maxItems) || Number.POSITIVE_INFINITY;
    case "map":
      return Number(rules.value.maxPairs) || Number.POSITIVE_INFINITY;
    default:
      return Number.POSITIVE_INFINITY;
  }
}

/** The violation of that rule; for a list in the words of the validator. */
export function tooManyItems(max: number, count: number | string): string {
  return `must contain no more than ${max} item(s), was ${count} items`;
}

/** Whether a field may contain personal data: `debug_redact` in the contract. */
export function isPersonal({ proto }: DescField): boolean {
  return proto.options?.debugRedact === true;
}

/**
 * A text for errors: shortened, with escapes for what cannot be printed, and of personal data only
 * its length.
 */
export function quoteText(text: string, field: DescField | undefined): string {
  const pairs = text.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0;
  const length = text.length - pairs;
  if (field !== undefined && isPersonal(field)) {
    return `*** (${length} characters)`;
  }
  return length > MAX_QUOTED_LENGTH
    ? `${quote([...text.slice(0, 2 * MAX_QUOTED_LENGTH)].slice(0, MAX_QUOTED_LENGTH).join(""))}… (${length} characters)`
    : quote(text);
}

const quote = (text: string): string => escapeUnprintable(JSON.stringify(text));

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
