import {
  type DescEnum,
  type DescField,
  type DescMessage,
  fromJson,
  type JsonValue,
  type Message,
  ScalarType,
} from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import type { FieldViolation } from "../../application/errors.ts";
import { nearest } from "../../lib/nearest.ts";
import { isTime, TIME_EXPECTED } from "../../lib/time.ts";
import { escapeUnprintable } from "../../observability/unprintable.ts";
import { findDuplicateName, readExactIntegers } from "./lossless-json.ts";
import {
  enumExpectation,
  invalidFields,
  isPersonal,
  malformedBody,
  maxSize,
  quoteText,
  tooManyItems,
} from "./validation.ts";

/** What happens to a request with a JSON field that the message does not have. */
export type UnknownFields = "reject" | "ignore";

/**
 * Decodes a request in JSON (ProtoJSON). Everything must be understood: field names, names of enum
 * values, digits, dates. The library would ignore or round what it does not understand.
 *
 * @param onIgnored called for each unknown field that is ignored, with its path without indexes
 * @throws OperationError "invalid", with a violation for each field
 */
export function decodeJson(
  schema: DescMessage,
  bytes: Uint8Array,
  unknownFields: UnknownFields,
  onIgnored: (field: string) => void = () => {},
): Message {
  const text = decodeUtf8(schema, bytes);
  let value = readValue(schema, text, JSON.parse);
  let report = createReport(unknownFields);
  checkMessage(schema, value, report);
  if (report.roundedInteger) {
    value = readValue(schema, text, readExactIntegers);
    report = createReport(unknownFields);
    checkMessage(schema, value, report);
  }
  const duplicate = report.violations.length === 0 ? findDuplicateName(text, value) : undefined;
  if (duplicate !== undefined) {
    report.addAt(shownName(duplicate), "must be given once");
  }
  if (report.violations.length > 0) {
    throw invalidFields(report.violations);
  }
  let message: Message;
  try {
    message = fromJson(schema, value as JsonValue, { ignoreUnknownFields: unknownFields === "ignore" });
  } catch (error) {
    throw malformedBody(schema, (error as Error).message);
  }
  report.ignored.forEach(onIgnored);
  return message;
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

function decodeUtf8(schema: DescMessage, bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw malformedBody(schema, "invalid UTF-8");
  }
}

function readValue(schema: DescMessage, text: string, read: (text: string) => unknown): unknown {
  try {
    return read(text);
  } catch (error) {
    // A RangeError: the JSON is nested more deeply than the stack.
    throw malformedBody(schema, error instanceof SyntaxError ? withoutQuote(error.message) : "nested too deeply");
  }
}

/** V8 quotes the text around some errors; it may hold personal data. */
function withoutQuote(message: string): string {
  return message.replace(/, (\.\.\.)?".*"(\.\.\.)? is not valid JSON$/s, " in JSON");
}

/** Maximum number of violations in an error; the check stops there. */
const MAX_VIOLATIONS = 16;

/** Maximum number of ignored fields of a request that are counted. */
const MAX_IGNORED = 16;

/** Maximum length of an unknown name in an error, in characters. */
const MAX_NAME_LENGTH = 64;

interface Report {
  readonly unknownFields: UnknownFields;
  readonly violations: FieldViolation[];
  /** Paths of unknown fields that are ignored, without indexes. */
  readonly ignored: Set<string>;
  /**
   * Names and indexes down to the value that is checked. A text for each value would cost more than
   * the checks.
   */
  readonly path: (string | number)[];
  /** Whether an integer was seen that JSON.parse may have rounded. */
  roundedInteger: boolean;
  isFull(): boolean;
  /** Adds a violation at the path. */
  add(description: string): void;
  /** Adds a violation at a name below the path. */
  addAt(name: string, description: string): void;
}

function createReport(unknownFields: UnknownFields): Report {
  const violations: FieldViolation[] = [];
  const path: (string | number)[] = [];
  return {
    unknownFields,
    violations,
    ignored: new Set(),
    path,
    roundedInteger: false,
    isFull: () => violations.length >= MAX_VIOLATIONS,
    add: (description) => void violations.push({ field: pathText(path), description }),
    addAt: (name, description) => void violations.push({ field: pathText([...path, name]), description }),
  };
}

/** A name given by the client, for errors. */
const shownName = (name: string): string => escapeUnprintable(name.slice(0, MAX_NAME_LENGTH));

/** What could be the name of a field: a key such as a phone number must not become a label. */
const FIELD_NAME = /^[a-z]\w{0,63}$/i;

/** For example `updates.note`. */
function ignoredPath(path: readonly (string | number)[], name: string): string {
  return FIELD_NAME.test(name) ? [...path.filter((part) => typeof part === "string"), name].join(".") : "(other)";
}

/** For example `updates[1].order_id`. */
function pathText(path: readonly (string | number)[]): string {
  return path
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${part}`))
    .join("")
    .replace(/^\./, "");
}

/**
 * Checks a JSON value and reports what is wrong with it.
 *
 * @returns the value as the library reads it: bigints as text
 */
type Check = (value: unknown, report: Report) => unknown;

type JsonObject = Record<string, unknown>;

function checkMessage(schema: DescMessage, value: unknown, report: Report): unknown {
  if (!isObject(value)) {
    report.add(`must be a JSON object, was ${kindOf(value)}`);
    return value;
  }
  const fields = fieldsOf(schema);
  for (const name of Object.keys(value)) {
    if (report.isFull()) {
      break;
    }
    const known = fields.get(name);
    if (known === undefined) {
      if (report.unknownFields === "reject") {
        report.addAt(shownName(name), explainUnknownField(schema, name));
      } else if (report.ignored.size < MAX_IGNORED) {
        report.ignored.add(ignoredPath(report.path, name));
      }
    } else if (known.otherName !== undefined && value[known.otherName] !== undefined) {
      report.addAt(name, `must be given once, was also given as ${known.otherName}`);
    } else if (value[name] !== null) {
      // Null means the default value.
      checkPart(value, name, known.field.name, known.check, report);
    }
  }
  return value;
}

/** Checks a part of an object or list, and replaces it by its exact value. */
function checkPart(
  whole: Record<string | number, unknown>,
  key: string | number,
  pathPart: string | number,
  check: Check,
  report: Report,
): void {
  const part = whole[key];
  report.path.push(pathPart);
  const exact = check(part, report);
  report.path.pop();
  if (exact !== part) {
    whole[key] = exact;
  }
}

function explainUnknownField({ name: message, fields }: DescMessage, name: string): string {
  const names = fields.map((field) => (name.includes("_") ? field.name : field.jsonName));
  const meant = nearest(name, names);
  const is = `is not a field of ${message}`;
  if (meant !== undefined) {
    return `${is}: did you mean ${meant}?`;
  }
  return names.length === 0 ? `${is}, which has none` : `${is}, which has ${names.join(", ")}`;
}

interface KnownField {
  readonly field: DescField;
  /** The field's other name in JSON, if it has two. */
  readonly otherName: string | undefined;
  readonly check: Check;
}

const knownFields = new WeakMap<DescMessage, ReadonlyMap<string, KnownField>>();

/** The fields of a message by their JSON names and by their names in the contract. */
function fieldsOf(schema: DescMessage): ReadonlyMap<string, KnownField> {
  let known = knownFields.get(schema);
  if (known === undefined) {
    known = new Map(
      schema.fields.flatMap((field): [string, KnownField][] => {
        const { name, jsonName } = field;
        const check = checkOf(field);
        return name === jsonName
          ? [[name, { field, otherName: undefined, check }]]
          : [
              [name, { field, otherName: jsonName, check }],
              [jsonName, { field, otherName: name, check }],
            ];
      }),
    );
    knownFields.set(schema, known);
  }
  return known;
}

function checkOf(field: DescField): Check {
  switch (field.fieldKind) {
    case "list":
      return checkList(checkSingle(field), maxSize(field));
    case "map":
      return checkMap(checkSingle(field), maxSize(field));
    default:
      return checkSingle(field);
  }
}

/** The check of a field's value, or of one item of a list or map. */
function checkSingle(field: DescField): Check {
  if (field.message !== undefined) {
    const { message } = field;
    return message.typeName === TimestampSchema.typeName
      ? checkTime
      : (value, report) => checkMessage(message, value, report);
  }
  return field.enum === undefined ? checkScalar(field) : checkEnum(field.enum);
}

/** The items of a list that is too long are not looked at. */
function checkList(checkItem: Check, max: number): Check {
  return (value, report) => {
    if (!Array.isArray(value)) {
      report.add(`must be a list, was ${kindOf(value)}`);
      return value;
    }
    if (value.length > max) {
      report.add(tooManyItems(max, value.length));
      return value;
    }
    for (let index = 0; index < value.length && !report.isFull(); index += 1) {
      checkPart(value as unknown as Record<number, unknown>, index, index, checkItem, report);
    }
    return value;
  };
}

/** The keys are left to the library. */
function checkMap(checkItem: Check, max: number): Check {
  return (value, report) => {
    if (!isObject(value)) {
      report.add(`must be a JSON object, was ${kindOf(value)}`);
      return value;
    }
    const keys = Object.keys(value);
    if (keys.length > max) {
      report.add(tooManyItems(max, keys.length));
      return value;
    }
    for (const key of keys) {
      if (report.isFull()) {
        break;
      }
      checkPart(value, key, `[${shownName(key)}]`, checkItem, report);
    }
    return value;
  };
}

/** ProtoJSON requires the seconds. */
const WITH_SECONDS = /T\d\d:\d\d:\d\d/;

const FIRST_TIME = Date.parse("0001-01-01T00:00:00Z");
const LAST_TIME = Date.parse("9999-12-31T23:59:59.999Z");

/** Whether the library reads a text as a Timestamp; its errors do not name the field. */
function isTimestamp(text: string): boolean {
  const time = isTime(text) && WITH_SECONDS.test(text) ? Date.parse(text) : Number.NaN;
  return time >= FIRST_TIME && time <= LAST_TIME;
}

const checkTime: Check = (value, report) => {
  if (typeof value !== "string" || !isTimestamp(value)) {
    report.add(`${TIME_EXPECTED}, was ${quote(value)}`);
  }
  return value;
};

function checkEnum(desc: DescEnum): Check {
  const known = new Set(desc.values.map(({ name }) => name));
  const names = desc.values.filter(({ number }) => number !== 0).map(({ name }) => name);
  const meantBy = (text: string) =>
    desc.values.find(({ number }) => number !== 0 && String(number) === text)?.name ?? nearest(text, names);
  return (value, report) => {
    if (typeof value === "string" ? !known.has(value) : !isInt32(value)) {
      const meant = typeof value === "string" ? meantBy(value) : undefined;
      report.add(
        meant === undefined
          ? `${enumExpectation(desc)}, was ${quote(value)}`
          : `${quote(value)} is not a value of ${desc.name}: did you mean ${meant}?`,
      );
    }
    return value;
  };
}

function checkScalar(field: DescField): Check {
  switch (field.scalar) {
    case ScalarType.INT64:
      return checkInt64(field);
    case ScalarType.INT32:
      return expect(field, "must be a whole number of up to 32 bits", isInt32);
    case ScalarType.BOOL:
      return expect(field, "must be true or false", (value) => typeof value === "boolean");
    case ScalarType.STRING:
      return expect(
        field,
        "must be a string without halves of characters",
        (value) => typeof value === "string" && value.isWellFormed(),
      );
    default:
      return (value) => value;
  }
}

function checkInt64(field: DescField): Check {
  const check = expect(field, "must be a whole number of up to 64 bits", isInt64);
  return (value, report) => {
    if (typeof value === "number" && Math.abs(value) > Number.MAX_SAFE_INTEGER) {
      report.roundedInteger = true;
    }
    check(value, report);
    return typeof value === "bigint" ? String(value) : value;
  };
}

function expect(field: DescField, expected: string, accepts: (value: unknown) => boolean): Check {
  return (value, report) => {
    if (!accepts(value)) {
      report.add(`${expected}, was ${quote(value, field)}`);
    }
    return value;
  };
}

const INT64_MAX = 2n ** 63n - 1n;
const INT32_MAX = 2 ** 31 - 1;

function isInt64(value: unknown): boolean {
  switch (typeof value) {
    case "number":
      return Number.isSafeInteger(value);
    case "bigint":
      return value <= INT64_MAX && value >= -INT64_MAX - 1n;
    case "string":
      return /^-?\d{1,19}$/.test(value) && (value.length < 19 || isInt64(BigInt(value)));
    default:
      return false;
  }
}

function isInt32(value: unknown): boolean {
  const number = typeof value === "string" && DECIMAL.test(value) ? Number(value) : value;
  return Number.isInteger(number) && (number as number) <= INT32_MAX && (number as number) >= -INT32_MAX - 1;
}

/** As in ProtoJSON, a number may be text. */
const DECIMAL = /^-?\d+(\.\d+)?([eE][-+]?\d+)?$/;

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A JSON value for errors. */
function quote(value: unknown, field?: DescField): string {
  if (typeof value === "string" || (field !== undefined && isPersonal(field) && typeof value !== "object")) {
    return quoteText(String(value), field);
  }
  if (typeof value === "number" && Math.abs(value) > Number.MAX_SAFE_INTEGER) {
    // JSON.parse has rounded it: not the number that the caller sent.
    return "a number with a point, an exponent or too many digits";
  }
  return typeof value === "object" ? kindOf(value) : String(value);
}

/**
 * The kind of a value in place of an object or list. The value itself may be what belongs inside,
 * and personal.
 */
function kindOf(value: unknown): string {
  if (Array.isArray(value)) {
    return `a list of ${value.length}`;
  }
  if (value === null) {
    return "null";
  }
  return isObject(value) ? "a JSON object" : `a ${typeof value === "bigint" ? "number" : typeof value}`;
}
