import { create, type DescField, type DescMessage, getOption, type MessageShape, ScalarType } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import {
  type FieldRules,
  field as fieldRules,
  type StringRules,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";

const MAX_INT64 = 2n ** 63n - 1n;
const MAX_INT32 = 2 ** 31 - 1;

/** A value of an enum that the contract does not define. */
const UNKNOWN_VALUE = 12_345;

type Type = FieldRules["type"];

const typeOf = (field: DescField): Type => getOption(field, fieldRules).type;

/** The rules of the items of a list. */
const itemType = (type: Type): Type =>
  type.case === "repeated" && type.value.items !== undefined ? type.value.items.type : { case: undefined };

/** Maximum length of a text in characters; undefined without a rule. */
function maxLength(type: Type): number | undefined {
  if (type.case === "string") {
    const { maxLen, len, in: values } = type.value;
    return Number(maxLen || len) || longest(values)?.length;
  }
  return type.case === "bytes" ? Number(type.value.maxLen || type.value.len) || undefined : undefined;
}

const longest = (values: StringRules["in"]): string | undefined => values.toSorted((a, b) => b.length - a.length)[0];

/** Maximum number of entries of a list or map; undefined without a rule. */
function maxEntries(field: DescField): number | undefined {
  const type = typeOf(field);
  const max = type.case === "repeated" ? type.value.maxItems : type.case === "map" ? type.value.maxPairs : 0n;
  return Number(max) || undefined;
}

/** The fields of a message and of all messages in it that can be of any size. */
export function fieldsWithoutMaximum(schema: DescMessage, seen = new Set<DescMessage>()): string[] {
  if (seen.has(schema)) {
    return [];
  }
  seen.add(schema);
  return schema.fields.flatMap((field) => {
    const isList = field.fieldKind === "list" || field.fieldKind === "map";
    const isText = field.scalar === ScalarType.STRING || field.scalar === ScalarType.BYTES;
    const type = field.fieldKind === "list" ? itemType(typeOf(field)) : typeOf(field);
    const isUnlimited =
      (isList && maxEntries(field) === undefined) ||
      (isText && field.fieldKind !== "map" && maxLength(type) === undefined) ||
      (field.fieldKind === "map" && isText);
    return [
      ...(isUnlimited ? [`${schema.typeName}.${field.name}`] : []),
      ...(field.message === undefined ? [] : fieldsWithoutMaximum(field.message, seen)),
    ];
  });
}

/** How far the values of a message go: as far as its rules permit, or beyond. */
export type Extent = "valid" | "invalid";

/**
 * A message with every field set, lists and texts as long as the rules permit. With "invalid" every
 * value violates its rules, except for the sizes of lists, which are checked before anything else.
 */
export function largestMessage<Desc extends DescMessage>(schema: Desc, extent: Extent): MessageShape<Desc> {
  const message = create(schema);
  const fields = reflect(schema, message);
  for (const field of schema.fields) {
    const count = maxEntries(field) ?? 0;
    if (field.fieldKind === "list") {
      const list = fields.get(field);
      for (let index = 0; index < count; index += 1) {
        list.add(singleValue(field, itemType(typeOf(field)), extent, index) as never);
      }
    } else if (field.fieldKind === "map") {
      const map = fields.get(field);
      for (let index = 0; index < count; index += 1) {
        map.set(mapKey(field.mapKey, extent, index), singleValue(field, { case: undefined }, extent, index) as never);
      }
    } else {
      fields.set(field, singleValue(field, typeOf(field), extent, 0) as never);
    }
  }
  return message;
}

const mapKey = (type: ScalarType, extent: Extent, index: number): never =>
  (type === ScalarType.STRING
    ? `key ${index}`
    : extent === "valid"
      ? MAX_INT64 - BigInt(index)
      : BigInt(-index)) as never;

function singleValue(field: DescField, type: Type, extent: Extent, index: number): unknown {
  if (field.message?.typeName === TimestampSchema.typeName) {
    const seconds = extent === "valid" ? 253_402_300_798n : -1n;
    return reflect(TimestampSchema, create(TimestampSchema, { seconds, nanos: 999_999_999 }));
  }
  if (field.message !== undefined) {
    const message = largestMessage(field.message, extent);
    const unique = field.message.fields.find(({ scalar }) => scalar === ScalarType.INT64);
    if (unique !== undefined && extent === "valid") {
      reflect(field.message, message).set(unique, (MAX_INT64 - BigInt(index)) as never);
    }
    return reflect(field.message, message);
  }
  if (field.enum !== undefined) {
    return extent === "valid" ? field.enum.values.at(-1)?.number : UNKNOWN_VALUE;
  }
  switch (field.scalar) {
    case ScalarType.STRING:
      return textOf(type, extent);
    case ScalarType.BOOL:
      return true;
    case ScalarType.INT64:
      return extent === "valid" ? MAX_INT64 - BigInt(index) : -1n - BigInt(index);
    case ScalarType.INT32: {
      const lessThan = type.case === "int32" ? type.value.lessThan : { case: undefined };
      const max = lessThan.case === "lte" ? lessThan.value : MAX_INT32;
      return extent === "valid" ? max : -1;
    }
    default:
      throw new Error(`add a value for ${field} here: the contract had no field of its type`);
  }
}

/** Of characters that take most bytes in each encoding. */
function textOf(type: Type, extent: Extent): string {
  const length = maxLength(type) ?? 0;
  if (extent === "invalid") {
    return "說".repeat(length + 1);
  }
  if (type.case === "string" && type.value.in.length > 0) {
    return longest(type.value.in) as string;
  }
  const isEmail = type.case === "string" && type.value.wellKnown.case === "email";
  return isEmail ? `${"a".repeat(64)}@${"b.".repeat(90)}example.com` : "說".repeat(length);
}
