import { create, type DescField, type DescMessage, type Message, ScalarType } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import type { Random } from "../../tools/testkit/random.ts";
import type { Fixture } from "./fixture.ts";
import { anyCount, anyInt32, anyInt64 } from "./numbers.ts";
import { anyText, typicalText } from "./text.ts";

/** A message whose fields have values of their types: those that a caller would send, or any. */
export function anyMessage(random: Random, schema: DescMessage, fixture: Fixture): Message {
  return random.chance(0.4) ? usualMessage(random, schema, fixture) : oddMessage(random, schema, fixture);
}

function oddMessage(random: Random, schema: DescMessage, fixture: Fixture): Message {
  const share = random.pick([0.3, 0.6, 0.9, 1]);
  const maker = { scalar: anyScalar, enum: anyEnum, message: oddMessage, count: anyCount };
  return messageOf(random, schema, fixture, share, maker);
}

function usualMessage(random: Random, schema: DescMessage, fixture: Fixture): Message {
  if (schema.typeName === "google.protobuf.Timestamp") {
    return timestampNow();
  }
  const maker = { scalar: usualScalar, enum: usualEnum, message: usualMessage, count: () => 1 + random.below(3) };
  const left = messageOf(random, schema, fixture, 0.95, maker);
  for (const name of SELDOM[schema.name] ?? SELDOM.any ?? []) {
    const field = random.chance(0.95) ? schema.fields.find((one) => one.name === name) : undefined;
    if (field !== undefined) {
      reflect(schema, left).clear(field);
    }
  }
  return left;
}

/** What a usual message has only now and then, as it would lead to a refusal nearly always. */
const SELDOM: Readonly<Record<string, readonly string[]>> = {
  any: ["expected_version", "validate_only"],
  SubmitOrderRequest: ["order_id", "validate_only"],
  ReplayRequest: ["from_time", "to_time"],
};

type Enum = readonly { readonly number: number }[];

/** How the parts of a message are made. */
interface Maker {
  scalar(random: Random, type: ScalarType, name: string, fixture: Fixture): unknown;
  enum(random: Random, values: Enum): number;
  message(random: Random, schema: DescMessage, fixture: Fixture): Message;
  count(random: Random): number;
}

function messageOf(random: Random, schema: DescMessage, fixture: Fixture, share: number, make: Maker): Message {
  const fields = schema.fields
    .filter(({ oneof }) => random.chance(share) && (oneof === undefined || random.chance(0.5)))
    .map((field) => [field.localName, fieldOf(random, field, fixture, make)]);
  return create(schema, Object.fromEntries(fields));
}

function fieldOf(random: Random, field: DescField, fixture: Fixture, make: Maker): unknown {
  const { name } = field;
  const many = (one: () => unknown) => Array.from({ length: make.count(random) }, one);
  switch (field.fieldKind) {
    case "scalar":
      return make.scalar(random, field.scalar, name, fixture);
    case "enum":
      return make.enum(random, field.enum.values);
    case "message":
      return make.message(random, field.message, fixture);
    case "list":
      return many(() =>
        field.listKind === "message"
          ? make.message(random, field.message, fixture)
          : field.listKind === "scalar"
            ? make.scalar(random, field.scalar, name, fixture)
            : make.enum(random, field.enum.values),
      );
    case "map":
      return Object.fromEntries(
        many(() => [
          String(anyInt64(random, fixture)),
          field.mapKind === "scalar" ? make.scalar(random, field.scalar, name, fixture) : undefined,
        ]) as [string, unknown][],
      );
  }
}

function anyEnum(random: Random, values: Enum): number {
  return random.chance(0.85) ? usualEnum(random, values) : anyInt32(random);
}

function usualEnum(random: Random, values: Enum): number {
  // The first one says nothing.
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
      throw new Error(`the contract has a type that the fuzzer does not know: ${ScalarType[type]}`);
  }
}

function usualScalar(random: Random, type: ScalarType, name: string, fixture: Fixture): unknown {
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
