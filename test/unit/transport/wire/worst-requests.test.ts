/**
 * No request of a permitted caller holds the event loop for long: for each RPC the largest message
 * that the contract permits, one that violates all of its rules, and bytes up to the RPC's limit
 * that are nothing like a message.
 */
import { create, type DescMessage, type Message, toBinary, toJsonString } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { describe, expect, test } from "vitest";
import { BatchUpdateOrderStatusRequestSchema } from "../../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { OperationError } from "../../../../src/application/errors.ts";
import { SERVICES } from "../../../../src/transport/handlers/index.ts";
import { MAX_REQUEST_BYTES } from "../../../../src/transport/limits.ts";
import { type Codec, createRequestDecoder } from "../../../../src/transport/wire/decode.ts";
import { requestLimits } from "../../../../src/transport/wire/request-limits.ts";
import { assertValid, compileRules } from "../../../../src/transport/wire/validation.ts";
import { heldMs, MAX_HELD_MS } from "../../../support/held.ts";
import { fieldsWithoutMaximum, largestMessage } from "../../../support/largest-requests.ts";

/** Maximum size of an error's text, in characters: 32 violations of about 300. */
const MAX_ERROR_LENGTH = 16_000;

const INPUTS = [...new Set(SERVICES.flatMap(({ methods }) => methods.map(({ input }) => input)))];

const decode = createRequestDecoder("reject");

/** Decodes and validates a request as the pipeline does. */
function accept(schema: DescMessage, bytes: Uint8Array, codec: Codec): Message | OperationError {
  const { request, malformed } = decode({ name: schema.name, input: schema }, bytes, codec, "");
  try {
    if (malformed !== undefined) {
      return malformed;
    }
    assertValid(schema, request);
    return request;
  } catch (error) {
    if (error instanceof OperationError) {
      return error;
    }
    throw error;
  }
}

function expectQuick(schema: DescMessage, bytes: Uint8Array, codec: Codec, what = ""): Message | OperationError {
  const outcome = accept(schema, bytes, codec);
  expect(
    heldMs(() => accept(schema, bytes, codec)),
    what,
  ).toBeLessThan(MAX_HELD_MS);
  if (outcome instanceof OperationError) {
    expect(outcome.kind, what).toBe("invalid");
    expect(outcome.message.length, what).toBeLessThan(MAX_ERROR_LENGTH);
  }
  return outcome;
}

/** The largest valid message: of fields that exclude each other as many as may be set. */
function largestValid(schema: DescMessage): Message {
  const message = largestMessage(schema, "valid") as Message;
  const isValid = (candidate: Message) =>
    !(accept(schema, toBinary(schema, candidate), "binary") instanceof OperationError);
  const without = (names: readonly string[]): Message => {
    const empty = create(schema) as Message & Record<string, unknown>;
    return { ...message, ...Object.fromEntries(names.map((name) => [name, empty[name]])) };
  };
  const names = schema.fields.map(({ localName }) => localName);
  const choices = [[], ...names.map((name) => [name]), ...names.flatMap((one) => names.map((other) => [one, other]))];
  const valid = choices.map(without).find(isValid);
  if (valid === undefined) {
    throw accept(schema, toBinary(schema, message), "binary");
  }
  return valid;
}

/** Of a list whose entries may be larger than the limit all together: as many as are within it. */
function cut(schema: DescMessage, message: Message, sizeOf: (message: Message) => number): Message {
  const { maxBytes } = requestLimits(schema);
  const list = schema.fields.find(({ fieldKind }) => fieldKind === "list")?.localName ?? "";
  const entries = (message as Message & Record<string, readonly unknown[]>)[list];
  const size = sizeOf(message);
  return size <= maxBytes || entries === undefined
    ? message
    : { ...message, [list]: entries.slice(0, Math.floor((entries.length * maxBytes) / size) - 1) };
}

test("every text, list and map of a request has a maximum", () => {
  expect(INPUTS.flatMap((schema) => fieldsWithoutMaximum(schema))).toEqual([]);
});

/** Repeats bytes up to a length. */
const fill = (bytes: Uint8Array | string, length: number) => Buffer.alloc(length - (length % bytes.length), bytes);

/** Bytes that have nothing to do with the message. */
const BINARY: readonly (readonly [string, (schema: DescMessage, length: number) => Uint8Array])[] = [
  ["unknown numbers", (_schema, length) => fill(Buffer.of(0x78, 0), length)],
  ["unknown empty texts", (_schema, length) => fill(Buffer.of(0x7a, 0), length)],
  ["groups in groups", (_schema, length) => fill(Buffer.of(0x7b), length)],
  ["the first field again and again", (schema, length) => fill(firstField(schema), length)],
  ["each field again and again, empty", (schema, length) => fill(emptyFields(schema), length)],
  ["bytes of a tag without end", (_schema, length) => fill(Buffer.of(0xff), length)],
];

function firstField({ fields }: DescMessage): Uint8Array {
  const [field] = fields;
  return field === undefined || field.scalar === undefined || field.fieldKind === "list"
    ? Buffer.of(0x78, 0)
    : new BinaryWriter().tag(field.number, WireType.Varint).uint32(1).finish();
}

function emptyFields({ fields }: DescMessage): Uint8Array {
  const single = fields.filter(({ fieldKind }) => fieldKind !== "list" && fieldKind !== "map");
  const parts = single.map(({ number, scalar, message, enum: isEnum }) => {
    const isNumber = message === undefined && (isEnum !== undefined || (scalar !== 9 && scalar !== 12));
    const writer = new BinaryWriter().tag(number, isNumber ? WireType.Varint : WireType.LengthDelimited);
    return writer.uint32(0).finish();
  });
  return parts.length === 0 ? Buffer.of(0x78, 0) : Buffer.concat(parts);
}

const toJsonBytes = (schema: DescMessage, message: Message) => Buffer.from(toJsonString(schema, message));

const nameOf = ({ fields }: DescMessage) => fields[0]?.jsonName ?? "x";
const numberOf = ({ fields }: DescMessage) => fields.find(({ scalar }) => scalar === 3)?.jsonName ?? "x";
const textOf = ({ fields }: DescMessage) => fields.find(({ scalar }) => scalar === 9)?.jsonName ?? "x";

/** JSON that has nothing to do with the message. */
const JSON_TEXTS: readonly (readonly [string, (schema: DescMessage, length: number) => string])[] = [
  ["white space", (_schema, length) => `{${" ".repeat(length - 2)}}`],
  ["lists in lists", (schema, length) => `{"${nameOf(schema)}":${"[".repeat(length - 30)}`],
  [
    "closed lists in lists",
    (schema, length) => {
      const depth = Math.floor(length / 2) - 20;
      return `{"${nameOf(schema)}":${"[".repeat(depth)}${"]".repeat(depth)}}`;
    },
  ],
  ["objects in objects", (_schema, length) => `${'{"a":'.repeat(length / 6 - 1)}1${"}".repeat(length / 6 - 1)}`],
  ["an unknown name", (_schema, length) => `{"${"x".repeat(length - 10)}":1}`],
  [
    "unknown names",
    (_schema, length) =>
      `{${Array.from({ length: Math.floor(length / 16) }, (_, index) => `"n${index}":1`).join(",")}}`,
  ],
  [
    "a name again and again",
    (schema, length) => {
      const entry = `"${nameOf(schema)}":"1"`;
      return `{${Array(Math.floor(length / (entry.length + 1)) - 1)
        .fill(entry)
        .join(",")}}`;
    },
  ],
  ["a number of many digits", (schema, length) => `{"${numberOf(schema)}":${"9".repeat(length - 60)}}`],
  ["a negative number of many digits in a list", (_schema, length) => `{"orderIds":[-${"9".repeat(length - 60)}]}`],
  ["a number with many decimals", (schema, length) => `{"${numberOf(schema)}":0.${"9".repeat(length - 60)}}`],
  ["a text", (schema, length) => `{"${textOf(schema)}":"${"a".repeat(length - 60)}"}`],
  ["a text of escapes", (schema, length) => `{"${textOf(schema)}":"${String.raw`\u0041`.repeat(length / 6 - 12)}"}`],
  ["a text of backslashes", (schema, length) => `{"${textOf(schema)}":"${"\\\\".repeat(length / 2 - 30)}"}`],
  ["a text of colons", (schema, length) => `{"${textOf(schema)}":"${":,{".repeat(length / 3 - 30)}"}`],
  ["a text where a number belongs", (schema, length) => `{"${numberOf(schema)}":"${"9".repeat(length - 60)}"}`],
  ["an address of many parts", (_schema, length) => `{"invoiceEmail":"${"a@".repeat(length / 2 - 30)}"}`],
  ["a time of many digits", (_schema, length) => `{"occurTime":"2024-01-01T00:00:00.${"9".repeat(length - 80)}Z"}`],
];

describe.each(INPUTS.map((schema) => [schema.name, schema] as const))("%s", (_name, schema) => {
  compileRules(schema);
  const { maxBytes } = requestLimits(schema);

  test("the largest valid message is accepted", () => {
    const message = largestValid(schema);
    const binary = toBinary(
      schema,
      cut(schema, message, (whole) => toBinary(schema, whole).length),
    );
    const json = toJsonBytes(
      schema,
      cut(schema, message, (whole) => toJsonBytes(schema, whole).length),
    );
    // The limit of a batch of updates is less than its rules permit.
    const isCapped = maxBytes === MAX_REQUEST_BYTES;
    expect(toJsonBytes(schema, message).length > maxBytes).toBe(isCapped);
    expect(expectQuick(schema, binary, "binary")).not.toBeInstanceOf(OperationError);
    expect(expectQuick(schema, json, "json")).not.toBeInstanceOf(OperationError);
  });

  test("a message that violates all rules is rejected", () => {
    const message = largestMessage(schema, "invalid") as Message;
    const binary = toBinary(schema, message);
    expectQuick(schema, binary, "binary");
    expectQuick(schema, Buffer.from(toJsonString(schema, message, { enumAsInteger: true })), "json");
  });

  test("other bytes are accepted or rejected quickly", () => {
    for (const [what, bytesOf] of BINARY) {
      const bytes = bytesOf(schema, maxBytes);
      expect(bytes.length, what).toBeGreaterThan(maxBytes - 100);
      expectQuick(schema, bytes, "binary", what);
    }
  });

  test("other JSON is accepted or rejected quickly", () => {
    for (const [what, textOfSchema] of JSON_TEXTS) {
      const bytes = Buffer.from(textOfSchema(schema, maxBytes));
      expect(bytes.length, what).toBeLessThanOrEqual(maxBytes);
      expectQuick(schema, bytes, "json", what);
    }
  });
});

test("the violations of a batch's updates take a few milliseconds per slice", () => {
  const { updates } = largestMessage(BatchUpdateOrderStatusRequestSchema, "invalid");
  const schema = BatchUpdateOrderStatusRequestSchema.field.updates.message as DescMessage;
  compileRules(schema);
  const slice = updates.slice(0, 50);
  const held = heldMs(() => {
    for (const update of slice) {
      expect(() => assertValid(schema, update)).toThrow(OperationError);
    }
  });
  expect(held).toBeLessThan(MAX_HELD_MS);
});
