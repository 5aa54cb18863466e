import { create, type DescField, type DescMessage, type Message } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { SubmitOrderRequestSchema } from "../../../../gen/oms/fulfilment/v1/fulfilment_service_pb.ts";
import {
  BatchGetOrderStatusRequestSchema,
  BatchUpdateOrderStatusRequestSchema,
  MarkInvoicesPrintedRequestSchema,
  RecordShippedQuantitiesRequestSchema,
} from "../../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import {
  ListReturnDetailsRequestSchema,
  RequestReturnRequestSchema,
} from "../../../../gen/oms/reversal/v1/order_reversal_service_pb.ts";
import { assertValid } from "../../../../src/transport/wire/validation.ts";

const MAX_ITEMS = 1_000;

const lists: [DescMessage, DescField][] = [
  BatchGetOrderStatusRequestSchema,
  BatchUpdateOrderStatusRequestSchema,
  MarkInvoicesPrintedRequestSchema,
  RecordShippedQuantitiesRequestSchema,
  SubmitOrderRequestSchema,
  RequestReturnRequestSchema,
  ListReturnDetailsRequestSchema,
].flatMap((schema) =>
  schema.fields
    .filter(({ fieldKind }) => fieldKind === "list")
    .map((field): [DescMessage, DescField] => [schema, field]),
);

function items(field: DescField, count: number): unknown[] {
  return Array.from({ length: count }, (_, index) => {
    const id = BigInt(index + 1);
    return field.message === undefined ? id : { orderId: id, skuId: id };
  });
}

test.each(lists.map(([schema, field]) => [`${schema.name}.${field.name}`, schema, field] as const))(
  "%s: a list far beyond its maximum is a field violation, not an internal error",
  (_name, schema, field) => {
    const message = create(schema, { [field.localName]: items(field, 20 * MAX_ITEMS) } as never) as Message;
    expect(() => assertValid(schema, message)).toThrow(
      expect.objectContaining({
        kind: "invalid",
        message: expect.stringContaining(`${field.name}: must contain no more than 1000 item(s), was 20000 items`),
      }),
    );
  },
);
