import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { WatchOrderStatusRequestSchema } from "../../gen/oms/orderstatus/v1/order_status_service_pb.ts";

const SERVICE = "/oms.orderstatus.v1.OrderStatusService";
export const GET = `${SERVICE}/GetOrderStatus`;
export const BATCH_GET = `${SERVICE}/BatchGetOrderStatus`;
export const BATCH_UPDATE = `${SERVICE}/BatchUpdateOrderStatus`;
export const RECORD_SHIPPED = `${SERVICE}/RecordShippedQuantities`;
export const WATCH = `${SERVICE}/WatchOrderStatus`;
export const SUBMIT = "/oms.fulfilment.v1.FulfilmentService/SubmitOrder";
export const HEALTH_CHECK = "/grpc.health.v1.Health/Check";
export const HEALTH_WATCH = "/grpc.health.v1.Health/Watch";
export const REFLECTION = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
export const SOAP = "/services/orderStatus";
export const LEGACY_GET = `${SOAP}/getOrderStatus`;

/** Slightly less than gRPC's default limit, in bytes. */
const LARGE = 4 * 1024 * 1024 - 64;

/** Slightly less than what a legacy endpoint reads, in bytes. */
const LEGACY_LARGE = 512 * 1024 - 1_024;

/** Number of a field in the contract. */
const FIELD = { orderIds: 1, updates: 1, submittedLines: 5, shippedOrder: 1, shippedLines: 2, operator: 4 } as const;

/** A field that no message has. */
const UNKNOWN_FIELD = 15;

/** A field with a length, repeated to about this many bytes if it is empty. */
function field(number: number, bytes: Uint8Array): Buffer {
  return Buffer.from(new BinaryWriter().tag(number, WireType.LengthDelimited).bytes(bytes).finish());
}

const filled = (bytes: Uint8Array, length: number) => Buffer.alloc(length, bytes);

/** Messages that take far more memory or time than their bytes suggest, uncompressed. */
export const MESSAGES = {
  /** One unknown field. */
  unknownField: field(UNKNOWN_FIELD, filled(Buffer.from("A"), LARGE - 8)),
  /** BatchGetOrderStatus: 4 million ids. */
  ids: field(FIELD.orderIds, Buffer.alloc(LARGE - 8)),
  /** BatchUpdateOrderStatus: 2 million empty updates. */
  updates: filled(field(FIELD.updates, Buffer.alloc(0)), LARGE),
  /** SubmitOrder: 2 million empty lines. */
  lines: filled(field(FIELD.submittedLines, Buffer.alloc(0)), LARGE),
  /** RecordShippedQuantities: 20,000 lines, each with a SKU of its own. */
  distinctLines: Buffer.concat([
    Buffer.from([FIELD.shippedOrder << 3, 1]),
    ...Array.from({ length: 20_000 }, (_, index) =>
      field(
        FIELD.shippedLines,
        new BinaryWriter()
          .tag(1, WireType.Varint)
          .int64(index + 1)
          .tag(2, WireType.Varint)
          .int32(1)
          .finish(),
      ),
    ),
    field(FIELD.operator, Buffer.from("x")),
  ]),
  /** A watch of a thousand orders. */
  watch: Buffer.from(
    toBinary(
      WatchOrderStatusRequestSchema,
      create(WatchOrderStatusRequestSchema, {
        orderIds: Array.from({ length: 1_000 }, (_, index) => BigInt(index + 1)),
      }),
    ),
  ),
} as const;

const REFLECTION_FIELD = { containingSymbol: 4, listServices: 7 } as const;

/** A file of the contract with all its imports. */
export const REFLECTION_REQUEST = field(REFLECTION_FIELD.containingSymbol, Buffer.from(SERVICE.slice(1)));

/** The same in JSON: four million entries. */
export const JSON_IDS = Buffer.from(`{"orderIds":[${"1,".repeat(LARGE / 2 - 16)}1]}`);

/** A URL with a compressed message, of a few KB. */
export const GET_WITH_GZIP = `${BATCH_GET}?connect=v1&encoding=json&base64=1&compression=gzip&message=${gzipSync(JSON_IDS, { level: 9 }).toString("base64url")}`;

/** A URL of the maximum length. */
export const LONG_URL = `${GET}?connect=v1&encoding=json&message=${"%7B".repeat(5_000)}`;

const envelope = (body: string, before = "") =>
  Buffer.from(
    `${before}<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><o:getOrderStatus xmlns:o="http://service.oms/">${body}</o:getOrderStatus></s:Body></s:Envelope>`,
  );

const entities = Array.from({ length: 9 }, (_, index) => `<!ENTITY e${index + 1} "${`&e${index};`.repeat(10)}">`);

/** Envelopes of about the maximum size. */
export const ENVELOPES = {
  elements: envelope("<orderId/>".repeat(LEGACY_LARGE / 10)),
  attributes: envelope(
    `<orderId ${Array.from({ length: 4_900 }, (_, index) => `a${index}="${"x".repeat(80)}"`).join(" ")}/>`,
  ),
  nested: envelope("<a>".repeat(LEGACY_LARGE / 4)),
  text: envelope(`<orderId>${"&amp;".repeat(LEGACY_LARGE / 5 - 100)}</orderId>`),
  namespaces: envelope(
    Array.from({ length: 2_400 }, (_, index) => `<n${index}:a xmlns:n${index}="u:${index}"/>`).join(""),
  ),
  entities: envelope("<orderId>&e9;</orderId>", `<!DOCTYPE a [<!ENTITY e0 "aaaaaaaaaa">${entities.join("")}]>`),
} as const;

/** Parameters of a legacy method: as many as fit. */
export const FORM = Buffer.from("orderId=1&".repeat(LEGACY_LARGE / 10));

/** A message with the prefix of gRPC and Connect streams. */
export function prefixed(message: Uint8Array, compressed = false): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = compressed ? 1 : 0;
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

export const zip = (message: Uint8Array): Buffer => gzipSync(message);
