import { create, type DescField, type DescMessage, type Message, ScalarType } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  BatchUpdateOrderStatusRequestSchema,
  UpdateOrderStatusRequestSchema,
} from "../../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { OperationError } from "../../../../src/application/errors.ts";
import { SERVICES } from "../../../../src/transport/handlers/index.ts";
import { assertValid } from "../../../../src/transport/wire/validation.ts";

/** A text field of a request: its path, and a request in which it has a value and nothing else. */
interface TextField {
  readonly path: string;
  readonly requestWith: (text: string) => object;
}

/** All texts in a message, those in lists and inner messages included. */
function textFields(schema: DescMessage): TextField[] {
  return schema.fields.flatMap((field) => {
    const wrap = (value: unknown) => ({ [field.localName]: field.fieldKind === "list" ? [value] : value });
    const path = field.fieldKind === "list" ? `${field.name}[0]` : field.name;
    if (field.scalar === ScalarType.STRING) {
      expect(field.oneof, `${schema.typeName}.${field.name}: extend this test for texts in a oneof`).toBeUndefined();
      return [{ path, requestWith: wrap }];
    }
    return field.message === undefined || isMap(field)
      ? []
      : textFields(field.message).map((inner) => ({
          path: `${path}.${inner.path}`,
          requestWith: (text: string) => wrap(inner.requestWith(text)),
        }));
  });
}

const isMap = ({ fieldKind }: DescField) => fieldKind === "map";

const REQUESTS = SERVICES.flatMap(({ methods }) => methods.map(({ input }) => input)).filter(
  // Its reports are validated one by one.
  (schema) => schema !== BatchUpdateOrderStatusRequestSchema,
);

const FIELDS = REQUESTS.flatMap((schema) =>
  textFields(schema).map((field) => [`${schema.name} ${field.path}`, schema, field] as const),
);

function violationsOf(schema: DescMessage, request: object): readonly string[] {
  try {
    assertValid(schema, create(schema, request as never) as Message);
    return [];
  } catch (error) {
    if (error instanceof OperationError) {
      return error.fieldViolations.map(({ field, description }) => `${field}: ${description}`);
    }
    throw error;
  }
}

const REFUSED = [
  ["\0", "U+0000"],
  ["\x1b", "U+001B"],
  ["\n", "U+000A"],
  ["\t", "U+0009"],
  ["\x7f", "U+007F"],
  ["\x9b", "U+009B"],
  ["\u2028", "U+2028"],
  ["\u202e", "U+202E"],
  ["\u2066", "U+2066"],
  ["\u200f", "U+200F"],
] as const;

test("the contract has texts", () => {
  expect(FIELDS.map(([name]) => name)).toEqual(
    expect.arrayContaining([
      "UpdateOrderStatusRequest operator",
      "UpdateOrderStatusRequest remark",
      "SubmitOrderRequest invoice.title",
      "DiscardParkedRequest message_ids[0]",
    ]),
  );
});

describe.each(FIELDS)("%s", (_name, schema, { path, requestWith }) => {
  test.each(REFUSED)("refuses %j", (character, code) => {
    expect(violationsOf(schema, requestWith(`王${character}`))).toContain(
      `${path}: must not contain control characters or bidirectional formatting, contains ${code} at position 2`,
    );
  });

  test("accepts other characters of any script", () => {
    const violations = violationsOf(schema, requestWith("王 é‍👩‍👧 שלום"));
    expect(violations.filter((text) => text.includes("control characters"))).toEqual([]);
  });
});

test("the number of violations is limited", () => {
  const messageIds = Array(1_000).fill("a\0");
  const schema = SERVICES.flatMap(({ methods }) => methods).find(({ name }) => name === "DiscardParked")?.input;
  expect(violationsOf(schema as DescMessage, { messageIds }).length).toBeLessThan(80);
});

test("a report with a forged text fails alone in its batch", () => {
  const updates = [{ operator: "a\u202e" }];
  expect(violationsOf(BatchUpdateOrderStatusRequestSchema, { updates })).toEqual([]);
  expect(violationsOf(UpdateOrderStatusRequestSchema, { operator: "a\u202e" }).join()).toContain("U+202E");
});
