import { create, type DescField, type DescMessage, type Message, ScalarType } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import type { Random } from "../../tools/testkit/random.ts";
import type { Fixture } from "./scalars.ts";
import { anyCount, anyInt32, anyInt64, anyText, typicalText } from "./scalars.ts";

/** A message with values of the right types: as real callers send it, or arbitrary. */
export function anyMessage(random: Random, schema: DescMessage, fixture: Fixture): Message {
  return random.chance(0.4) ? typicalMessage(random, schema, fixture) : arbitraryMessage(random, schema, fixture);
}

function arbitraryMessage(random: Random, schema: DescMessage, fixture: Fixture): Message {
  const share = random.pick([0.3, 0.6, 0.9, 1]);
  const generators = { scalar: anyScalar, enum: anyEnum, message: arbitraryMessage, count: anyCount };
  return messageOf(random, schema, fixture, share, generators);
}

function typicalMessage(random: Random, schema: DescMessage, fixture: Fixture): Message {
  if (schema.typeName === "google.protobuf.Timestamp") {
    return timestampNow();
  }
  const generators = {
    scalar: typicalScalar,
    enum: typicalEnum,
    message: typicalMessage,
    count: () => 1 + random.below(3),
  };
  const message = messageOf(random, schema, fixture, 0.95, generators);
  for (const name of RARE[schema.name] ?? RARE.any ?? []) {
    const field = random.chance(0.95) ? schema.fields.find((one) => one.name === name) : undefined;
    if (field !== undefined) {
      reflect(schema, message).clear(field);
    }
  }
  return message;
}

/** Fields that are rarely set in a typical message, because they nearly always lead to an error. */
const RARE: Readonly<Record<string, readonly string[]>> = {
  any: ["expected_version", "validate_only"],
  SubmitOrderRequest: ["order_id", "validate_only"],
  ReplayRequest: ["from_time", "to_time"],
};

type Enum = readonly { readonly number: number }[];

/** Generates the parts of a message. */
interface Generators {
  scalar(random: Random, type: ScalarType, name: string, fixture: Fixture): unknown;
  enum(random: Random, values: Enum): number;
  message(random: Random, schema: DescMessage, fixture: Fixture): Message;
  count(random: Random): number;
}

function messageOf(
  random: Random,
  schema: DescMessage,
  fixture: Fixture,
  share: number,
  generate: Generators,
): Message {
  const fields = schema.fields
    .filter(({ oneof }) => random.chance(share) && (oneof === undefined || random.chance(0.5)))
    .map((field) => [field.localName, fieldOf(random, field, fixture, generate)]);
  return create(schema, Object.fromEntries(fields));
}

function fieldOf(random: Random, field: DescField, fixture: Fixture, generate: Generators): unknown {
  const { name } = field;
  const many = (one: () => unknown) => Array.from({ length: generate.count(random) }, one);
  switch (field.fieldKind) {
    case "scalar":
      return generate.scalar(random, field.scalar, name, fixture);
    case "enum":
      return generate.enum(random, field.enum.values);
    case "message":
      return generate.message(random, field.message, fixture);
    case "list":
      return many(() =>
        field.listKind === "message"
          ? generate.message(random, field.message, fixture)
          : field.listKind === "scalar"
            ? generate.scalar(random, field.scalar, name, fixture)
            : generate.enum(random, field.enum.values),
      );
    case "map":
      return Object.fromEntries(
        many(() => [
          String(anyInt64(random, fixture)),
          field.mapKind === "scalar" ? generate.scalar(random, field.scalar, name, fixture) : undefined,
        ]) as [string, unknown][],
      );
  }
}

function anyEnum(random: Random, values: Enum): number {
  return random.chance(0.85) ? typicalEnum(random, values) : anyInt32(random);
}

function typicalEnum(random: Random, values: Enum): number {
  // The first value is UNSPECIFIED.
  return values[1 + random.below(values.length - 1)]?.number ?? 0;
}

function anyScalar(random: Random, type: ScalarType, _name: string, fixture: Fixture): unknown {
  switch (type) {
    case ScalarType.INT64:
      return anyInt64(random, fixture);
    case ScalarType.INT32:
      return anyInt32(random);
    case ScalarType.BOOL:
      return random.chance(0.5);
    case ScalarType.STRING:
      return anyText(random).toWellFormed();
    default:
      throw new Error(`the fuzzer does not support the scalar type ${ScalarType[type]}`);
  }
}

function typicalScalar(random: Random, type: ScalarType, name: string, fixture: Fixture): unknown {
  switch (type) {
    case ScalarType.INT64:
      return name.startsWith("order_id")
        ? (fixture.orderIds[random.below(fixture.orderIds.length)] ?? 1n)
        : BigInt(1 + random.below(3));
    case ScalarType.INT32:
      return name === "expected_version" ? 0 : 1 + random.below(4);
    case ScalarType.BOOL:
      return random.chance(0.2);
    case ScalarType.STRING:
      return typicalText(random, name);
    default:
      return anyScalar(random, type, name, fixture);
  }
}
