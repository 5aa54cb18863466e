import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import type { Random } from "../../tools/testkit/random.ts";
import type { Fixture } from "./scalars.ts";
import { anyCount, anyInt32, anyInt64, anyText } from "./scalars.ts";

/** JSON for a message with wrong types, duplicate, unknown and misspelt names, and deep nesting. */
export function anyJson(random: Random, schema: DescMessage, fixture: Fixture): string {
  if (random.chance(0.03)) {
    return wrong(random);
  }
  const pairs = schema.fields
    .filter(() => random.chance(0.7))
    .map((field) => `${nameOf(random, field)}:${fieldOf(random, field, fixture)}`);
  if (random.chance(0.1)) {
    pairs.push(random.pick(['"__proto__":{"a":1}', '"constructor":null', '"no_such":[1]', '"":0', '"@type":"x"']));
  }
  const [first] = pairs;
  if (first !== undefined && random.chance(0.05)) {
    pairs.push(first);
  }
  return `{${pairs.join(",")}}`;
}

function nameOf(random: Random, field: DescField): string {
  switch (random.weighted({ json: 20, proto: 5, wrong: 1 })) {
    case "json":
      return JSON.stringify(field.jsonName);
    case "proto":
      return JSON.stringify(field.name);
    case "wrong":
      return JSON.stringify(field.name.toUpperCase());
  }
}

function fieldOf(random: Random, field: DescField, fixture: Fixture): string {
  if (random.chance(0.12)) {
    return wrong(random);
  }
  switch (field.fieldKind) {
    case "scalar":
      return scalarOf(random, field.scalar, fixture);
    case "enum":
      return enumOf(random, field.enum.values);
    case "message":
      return messageOf(random, field.message, fixture);
    case "list": {
      const item = () =>
        field.listKind === "message"
          ? messageOf(random, field.message, fixture)
          : field.listKind === "scalar"
            ? scalarOf(random, field.scalar, fixture)
            : enumOf(random, field.enum.values);
      return `[${Array.from({ length: anyCount(random) }, item).join(",")}]`;
    }
    case "map": {
      const pair = () =>
        `"${random.chance(0.9) ? anyInt64(random, fixture) : "x"}":${scalarOf(random, ScalarType.INT32, fixture)}`;
      return `{${Array.from({ length: anyCount(random) }, pair).join(",")}}`;
    }
  }
}

function messageOf(random: Random, schema: DescMessage, fixture: Fixture): string {
  switch (schema.typeName) {
    case "google.protobuf.Timestamp":
      return random.pick([
        '"2024-05-01T08:30:00Z"',
        '"2024-05-01T08:30:00.123456789+08:00"',
        '"0001-01-01T00:00:00Z"',
        '"9999-12-31T23:59:59.999999999Z"',
        '"10000-01-01T00:00:00Z"',
        '"2024-02-30T25:61:61Z"',
        '"yesterday"',
        "1714550000",
      ]);
    case "google.protobuf.Duration":
      return random.pick(['"1s"', '"-1.5s"', '"315576000001s"', '"1"', "1"]);
    default:
      return anyJson(random, schema, fixture);
  }
}

function scalarOf(random: Random, type: ScalarType, fixture: Fixture): string {
  if (type === ScalarType.STRING) {
    return JSON.stringify(anyText(random));
  }
  if (type === ScalarType.BOOL) {
    return random.pick(["true", "false", "true", "false", '"true"', "1"]);
  }
  const number = type === ScalarType.INT64 ? String(anyInt64(random, fixture)) : String(anyInt32(random));
  switch (random.weighted({ text: 6, number: 6, format: 1 })) {
    case "text":
      return `"${number}"`;
    case "number":
      return number;
    case "format":
      return random.pick([
        `${number}.0`,
        `${number}e0`,
        `"${number}.0"`,
        `" ${number}"`,
        `"0x10"`,
        `"+1"`,
        "1.5",
        "-0",
      ]);
  }
}

function enumOf(random: Random, values: readonly { readonly name: string; readonly number: number }[]): string {
  const value = values[random.below(values.length)];
  return random.pick([
    `"${value?.name}"`,
    `"${value?.name}"`,
    String(value?.number),
    String(anyInt32(random)),
    '"NONE"',
  ]);
}

/** A value of another type, or invalid JSON. */
function wrong(random: Random): string {
  switch (random.weighted({ simple: 10, deep: 1, broken: 3, long: 1 })) {
    case "simple":
      return random.pick(["null", "true", "1", "-1.5", "1e400", '""', '"x"', "[]", "{}", "[null]", "[[]]", '{"a":1}']);
    case "deep": {
      const depth = random.pick([10, 100, 1_000, 20_000]);
      return random.chance(0.5)
        ? "[".repeat(depth) + "]".repeat(depth)
        : `${'{"orderId":'.repeat(depth)}1${"}".repeat(depth)}`;
    }
    case "broken":
      return random.pick([
        "",
        "{",
        "}",
        "NaN",
        "Infinity",
        "01",
        "'x'",
        "undefined",
        '"\\ud8"',
        '"\u0001"',
        "1 2",
        "/**/1",
      ]);
    case "long":
      return `${random.chance(0.5) ? "1" : "-9"}${"0".repeat(random.pick([20, 400, 5_000]))}`;
  }
}
