import { type DescField, type DescMessage, getOption, ScalarType } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { field as fieldRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { MAX_REQUEST_BYTES } from "../limits.ts";
import { invalidFields, malformedBody, maxSize, tooManyItems } from "./validation.ts";

/**
 * Limits of a request, derived from the rules of the contract: what a valid message can be, so that
 * another one is rejected before it is decoded.
 */
export interface RequestLimits {
  /** Maximum size in bytes, unpacked. */
  readonly maxBytes: number;
  /** Maximum number of values: in JSON objects, lists and their entries, otherwise fields. */
  readonly maxValues: number;
}

/** Room for white space, escapes, and fields of a later version of the contract. */
const MARGIN = 1.25;

/** The limit of an RPC whose message is smaller, in bytes. */
const MIN_BYTES = 16 * 1024;

const MIN_VALUES = 1_000;

const limits = new WeakMap<DescMessage, RequestLimits>();

export function requestLimits(schema: DescMessage): RequestLimits {
  let known = limits.get(schema);
  if (known === undefined) {
    const { bytes, values } = largest(schema, []);
    known = {
      maxBytes: Math.min(Math.max(Math.ceil(bytes * MARGIN), MIN_BYTES), MAX_REQUEST_BYTES),
      maxValues: Math.max(2 * values, MIN_VALUES),
    };
    limits.set(schema, known);
  }
  return known;
}

/** The largest valid message in JSON, which is larger than its binary form. */
interface Size {
  readonly bytes: number;
  readonly values: number;
}

/** Size of a number, a boolean or the name of an enum value in JSON with its punctuation. */
const SCALAR_BYTES = 40;

/** Maximum length of a text or list without a rule; the contract's tests find them. */
const UNLIMITED = 1_000;

/** A character beyond ASCII, or a control character, as an escape in JSON. */
const BYTES_PER_CHARACTER = 6;

function largest(schema: DescMessage, parents: readonly DescMessage[]): Size {
  if (parents.includes(schema)) {
    return { bytes: SCALAR_BYTES, values: 1 };
  }
  const total = { bytes: SCALAR_BYTES, values: 1 };
  for (const field of schema.fields) {
    const one = largestValue(field, [...parents, schema]);
    const count = field.fieldKind === "list" || field.fieldKind === "map" ? Math.min(maxSize(field), UNLIMITED) : 1;
    total.bytes += field.name.length + 4 + one.bytes * count;
    total.values += one.values * count + 1;
  }
  return total;
}

function largestValue(field: DescField, parents: readonly DescMessage[]): Size {
  if (field.message !== undefined) {
    return largest(field.message, parents);
  }
  if (field.scalar !== ScalarType.STRING && field.scalar !== ScalarType.BYTES) {
    return { bytes: SCALAR_BYTES, values: 1 };
  }
  return { bytes: maxLength(field) * BYTES_PER_CHARACTER + 4, values: 1 };
}

/** Maximum length of a text by its rule, in characters. */
function maxLength(field: DescField): number {
  const { type } = getOption(field, fieldRules);
  const rules = type.case === "repeated" ? type.value.items?.type : type;
  return (rules?.case === "string" && Number(rules.value.maxLen || rules.value.len)) || UNLIMITED;
}

/**
 * Counts the fields of an encoded message and the entries of its lists, packed ones included,
 * without decoding it: a decoded entry takes up to a hundred times its bytes.
 *
 * @throws OperationError "invalid" for a list longer than its rule permits, more fields than
 * `maxValues`, or malformed bytes
 */
export function assertListSizes(schema: DescMessage, bytes: Uint8Array, { maxValues }: RequestLimits): void {
  try {
    countEntries(schema, { reader: new BinaryReader(bytes), bytes, maxFields: maxValues, fields: 0 }, bytes.length, "");
  } catch (error) {
    throw error instanceof TooManyItemsError
      ? invalidFields([{ field: error.path, description: tooManyItems(error.max, error.count) }])
      : malformedBody(schema, (error as Error).message);
  }
}

class TooManyItemsError extends Error {
  readonly path: string;
  readonly max: number;
  readonly count: string;

  constructor(path: string, max: number, count: string) {
    super("too many items");
    this.path = path;
    this.max = max;
    this.count = count;
  }
}

interface CountedField {
  readonly field: DescField;
  readonly max: number;
  /** Whether an entry with a length can be a list of numbers. */
  readonly packable: boolean;
  /** Its message, whose fields are counted too; not the entries of a map, which have two each. */
  readonly message: DescMessage | undefined;
}

const countedFields = new WeakMap<DescMessage, ReadonlyMap<number, CountedField>>();

/** The lists and messages in a message. */
function countedFieldsOf(schema: DescMessage): ReadonlyMap<number, CountedField> {
  let counted = countedFields.get(schema);
  if (counted === undefined) {
    const lists = schema.fields.filter(({ fieldKind }) => fieldKind === "list" || fieldKind === "map");
    const messages = schema.fields.filter(({ fieldKind }) => fieldKind === "message");
    counted = new Map(
      [...lists, ...messages].map((field) => {
        const isText = field.scalar === ScalarType.STRING || field.scalar === ScalarType.BYTES;
        const packable = field.fieldKind === "list" && field.message === undefined && !isText;
        const max = lists.includes(field) ? maxSize(field) : Number.POSITIVE_INFINITY;
        return [field.number, { field, max, packable, message: field.fieldKind === "map" ? undefined : field.message }];
      }),
    );
    countedFields.set(schema, counted);
  }
  return counted;
}

interface Count {
  readonly reader: BinaryReader;
  readonly bytes: Uint8Array;
  readonly maxFields: number;
  /** Fields of all messages so far. */
  fields: number;
}

function countEntries(schema: DescMessage, count: Count, end: number, path: string): void {
  const { reader, bytes } = count;
  const known = countedFieldsOf(schema);
  const entries = new Map<CountedField, number>();
  while (reader.pos < end) {
    const [number, wireType] = reader.tag();
    count.fields += 1;
    if (count.fields > count.maxFields) {
      assertMax(entries, path, "more than ");
      throw new Error(`more than ${count.maxFields} fields`);
    }
    const counted = known.get(number);
    if (counted === undefined) {
      reader.skip(wireType, number);
      continue;
    }
    const { field, packable, message } = counted;
    const before = entries.get(counted) ?? 0;
    if (wireType !== WireType.LengthDelimited) {
      reader.skip(wireType, number);
      entries.set(counted, before + 1);
    } else {
      const length = reader.uint32();
      const start = reader.pos;
      entries.set(counted, before + (packable ? packedCount(bytes, start, start + length) : 1));
      if (message !== undefined) {
        const name = path === "" ? field.name : `${path}.${field.name}`;
        countEntries(message, count, start + length, field.fieldKind === "list" ? `${name}[${before}]` : name);
      }
      reader.pos = start + length;
    }
  }
  assertMax(entries, path);
}

function assertMax(entries: ReadonlyMap<CountedField, number>, path: string, atLeast = ""): void {
  for (const [{ field, max }, total] of entries) {
    if (total > max) {
      throw new TooManyItemsError(path === "" ? field.name : `${path}.${field.name}`, max, `${atLeast}${total}`);
    }
  }
}

/** The number of varints: each ends with a byte below 128. The contract has no packed floats. */
function packedCount(bytes: Uint8Array, start: number, end: number): number {
  let count = 0;
  for (let index = start; index < end && index < bytes.length; index += 1) {
    if ((bytes[index] as number) < 128) {
      count += 1;
    }
  }
  return count;
}

const [QUOTE, BACKSLASH, COMMA, BRACKET, BRACE] = Buffer.from('"\\,[{');

/**
 * Counts the values in JSON without parsing it.
 *
 * @throws OperationError "invalid" beyond the limit
 */
export function assertJsonSize(schema: DescMessage, bytes: Uint8Array, { maxValues }: RequestLimits): void {
  if (hasMoreValues(bytes, maxValues)) {
    throw malformedBody(schema, `more than ${maxValues} values`);
  }
}

/** Whether JSON has more values than this: objects, lists and their entries. */
export function hasMoreValues(bytes: Uint8Array, max: number): boolean {
  // Each value but the first follows one of the counted characters.
  if (bytes.length <= max) {
    return false;
  }
  let count = 1;
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index];
    if (byte === QUOTE) {
      index = endOfString(bytes, index + 1);
    } else if (byte === COMMA || byte === BRACKET || byte === BRACE) {
      count += 1;
      if (count > max) {
        return true;
      }
    }
  }
  return false;
}

function endOfString(bytes: Uint8Array, start: number): number {
  let index = start;
  while (index < bytes.length && bytes[index] !== QUOTE) {
    index += bytes[index] === BACKSLASH ? 2 : 1;
  }
  return index;
}
