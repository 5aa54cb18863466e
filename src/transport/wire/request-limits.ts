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
  /** Maximum number of values in JSON: objects, lists, their entries. */
  readonly maxJsonValues: number;
}

/** Room for white space, escapes, and fields of a later version of the contract. */
const MARGIN = 1.25;

/** The limit of an RPC whose message is smaller, in bytes. */
const MIN_BYTES = 16 * 1024;

const MIN_JSON_VALUES = 1_000;

const limits = new WeakMap<DescMessage, RequestLimits>();

export function requestLimits(schema: DescMessage): RequestLimits {
  let known = limits.get(schema);
  if (known === undefined) {
    const { bytes, values } = largest(schema, []);
    known = {
      maxBytes: Math.min(Math.max(Math.ceil(bytes * MARGIN), MIN_BYTES), MAX_REQUEST_BYTES),
      maxJsonValues: Math.max(2 * values, MIN_JSON_VALUES),
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
 * Counts the entries of lists in an encoded message, packed ones included, without decoding it: a
 * decoded entry takes up to a hundred times its bytes.
 *
 * @throws OperationError "invalid" for a list longer than its rule permits, or malformed bytes
 */
export function assertListSizes(schema: DescMessage, bytes: Uint8Array): void {
  try {
    countEntries(schema, new BinaryReader(bytes), bytes.length, "", bytes);
  } catch (error) {
    throw error instanceof TooManyItemsError
      ? invalidFields([{ field: error.path, description: tooManyItems(error.max, error.count) }])
      : malformedBody(schema, (error as Error).message);
  }
}

class TooManyItemsError extends Error {
  readonly path: string;
  readonly max: number;
  readonly count: number;

  constructor(path: string, max: number, count: number) {
    super("too many items");
    this.path = path;
    this.max = max;
    this.count = count;
  }
}

interface CountedField {
  readonly field: DescField;
  readonly max: number;
  /** Its message, if lists are in it. */
  readonly message: DescMessage | undefined;
}

const countedFields = new WeakMap<DescMessage, ReadonlyMap<number, CountedField>>();

/** The lists of a message, and the fields with lists in them. */
function countedFieldsOf(schema: DescMessage): ReadonlyMap<number, CountedField> {
  let counted = countedFields.get(schema);
  if (counted === undefined) {
    // Set first: a message may contain itself.
    const found = new Map<number, CountedField>();
    countedFields.set(schema, found);
    for (const field of schema.fields) {
      const isList = field.fieldKind === "list" || field.fieldKind === "map";
      const message =
        field.message !== undefined && countedFieldsOf(field.message).size > 0 ? field.message : undefined;
      if (isList || message !== undefined) {
        found.set(field.number, { field, max: isList ? maxSize(field) : Number.POSITIVE_INFINITY, message });
      }
    }
    counted = found;
  }
  return counted;
}

function countEntries(schema: DescMessage, reader: BinaryReader, end: number, path: string, bytes: Uint8Array): void {
  const fields = countedFieldsOf(schema);
  const counts = new Map<CountedField, number>();
  while (reader.pos < end) {
    const [number, wireType] = reader.tag();
    const counted = fields.get(number);
    if (counted === undefined) {
      reader.skip(wireType, number);
      continue;
    }
    const { field, message } = counted;
    const count = counts.get(counted) ?? 0;
    const fieldPath = path === "" ? field.name : `${path}.${field.name}`;
    if (wireType !== WireType.LengthDelimited) {
      reader.skip(wireType, number);
      counts.set(counted, count + 1);
    } else {
      const length = reader.uint32();
      const start = reader.pos;
      const isPacked =
        field.message === undefined && field.scalar !== ScalarType.STRING && field.scalar !== ScalarType.BYTES;
      counts.set(counted, count + (isPacked ? packedCount(bytes, start, start + length) : 1));
      if (message !== undefined) {
        countEntries(
          message,
          reader,
          start + length,
          field.fieldKind === "list" ? `${fieldPath}[${count}]` : fieldPath,
          bytes,
        );
      }
      reader.pos = start + length;
    }
  }
  for (const [{ field, max }, count] of counts) {
    if (count > max) {
      throw new TooManyItemsError(path === "" ? field.name : `${path}.${field.name}`, max, count);
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
export function assertJsonSize(schema: DescMessage, bytes: Uint8Array, { maxJsonValues }: RequestLimits): void {
  // Each value but the first follows one of the counted characters.
  if (bytes.length <= maxJsonValues) {
    return;
  }
  let count = 1;
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index];
    if (byte === QUOTE) {
      index = endOfString(bytes, index + 1);
    } else if (byte === COMMA || byte === BRACKET || byte === BRACE) {
      count += 1;
      if (count > maxJsonValues) {
        throw malformedBody(schema, `more than ${maxJsonValues} values`);
      }
    }
  }
}

function endOfString(bytes: Uint8Array, start: number): number {
  let index = start;
  while (index < bytes.length && bytes[index] !== QUOTE) {
    index += bytes[index] === BACKSLASH ? 2 : 1;
  }
  return index;
}
