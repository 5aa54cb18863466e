import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FulfilmentService, SubmitOrderRequestSchema } from "../../gen/oms/fulfilment/v1/fulfilment_service_pb.ts";
import type { OrderStatus } from "../../gen/oms/orderstatus/v1/order_status_pb.ts";
import {
  BatchUpdateOrderStatusRequestSchema,
  BatchUpdateOrderStatusResponseSchema,
  GetOrderStatusRequestSchema,
  OrderStatusService,
  SetOrderPauseRequestSchema,
  UpdateOrderStatusRequestSchema,
} from "../../gen/oms/orderstatus/v1/order_status_service_pb.ts";

/** An encoded call. */
export interface Request {
  readonly path: string;
  readonly body: Uint8Array;
  /** Number of changes in the response; undefined when the call did not succeed. */
  readonly changes: (response: Buffer) => number | undefined;
}

/** A status report. */
export interface Report {
  readonly orderId: bigint;
  readonly status: OrderStatus;
  /** "" for none. */
  readonly requestId: string;
}

/** Encoders of one protocol. */
export interface Requests {
  update(report: Report): Request;
  get(orderId: bigint): Request;
  batch(reports: readonly Report[]): Request;
  pause(orderId: bigint, paused: boolean): Request;
  /** A new order of two lines in one warehouse, with a generated id. */
  submit(requestId: string): Request;
}

const operator = "bench";
const { method, typeName } = OrderStatusService;
const pathOf = ({ name }: { readonly name: string }) => `/${typeName}/${name}`;
const PATHS = {
  update: pathOf(method.updateOrderStatus),
  get: pathOf(method.getOrderStatus),
  batch: pathOf(method.batchUpdateOrderStatus),
  pause: pathOf(method.setOrderPause),
  submit: `/${FulfilmentService.typeName}/${FulfilmentService.method.submitOrder.name}`,
};

/** An order that no Action handles until it is paid. */
const NEW_ORDER = {
  orderSource: 1000,
  orderType: 1,
  lines: [
    { skuId: 7n, quantity: 1, warehouseId: 1n },
    { skuId: 8n, quantity: 2, warehouseId: 1n },
  ],
  operator,
};

/**
 * Whether the response starts with these bytes: fields 1 and 2 as 1 or true, that is outcome
 * APPLIED, or success and changed.
 */
const startsWith = (response: Buffer, bytes: readonly number[]) => bytes.every((byte, at) => response[at] === byte);
const applied = (response: Buffer) => (startsWith(response, [0x08, 0x01]) ? 1 : undefined);
const answered = (response: Buffer) => (response.length > 0 ? 0 : undefined);
const submitted = (response: Buffer) => (startsWith(response, [0x08]) ? 1 : undefined);
const pauseChanged = (response: Buffer) => (startsWith(response, [0x08, 0x01, 0x10, 0x01]) ? 1 : undefined);

function allApplied(response: Buffer): number | undefined {
  const { results } = fromBinary(BatchUpdateOrderStatusResponseSchema, response);
  const isApplied = results.every(({ result }) => result.case === "response" && result.value.outcome === 1);
  return results.length > 0 && isApplied ? results.length : undefined;
}

export const GRPC: Requests = {
  update: (report) => ({
    path: PATHS.update,
    body: toBinary(UpdateOrderStatusRequestSchema, create(UpdateOrderStatusRequestSchema, { ...report, operator })),
    changes: applied,
  }),
  get: (orderId) => ({
    path: PATHS.get,
    body: toBinary(GetOrderStatusRequestSchema, create(GetOrderStatusRequestSchema, { orderId })),
    changes: answered,
  }),
  batch: (reports) => ({
    path: PATHS.batch,
    body: toBinary(
      BatchUpdateOrderStatusRequestSchema,
      create(BatchUpdateOrderStatusRequestSchema, { updates: reports.map((report) => ({ ...report, operator })) }),
    ),
    changes: allApplied,
  }),
  pause: (orderId, isPaused) => ({
    path: PATHS.pause,
    body: toBinary(
      SetOrderPauseRequestSchema,
      create(SetOrderPauseRequestSchema, { orderId, paused: isPaused, operator }),
    ),
    changes: pauseChanged,
  }),
  submit: (requestId) => ({
    path: PATHS.submit,
    body: toBinary(SubmitOrderRequestSchema, create(SubmitOrderRequestSchema, { ...NEW_ORDER, requestId })),
    changes: submitted,
  }),
};

const json = (fields: object) =>
  Buffer.from(JSON.stringify(fields, (_, value) => (typeof value === "bigint" ? String(value) : value)));

const count = (response: Buffer, word: string) => response.toString().split(word).length - 1;

export const CONNECT_JSON: Requests = {
  update: (report) => ({
    path: PATHS.update,
    body: json({ ...report, operator }),
    changes: (response) => (response.includes('"OUTCOME_APPLIED"') ? 1 : undefined),
  }),
  get: (orderId) => ({
    path: PATHS.get,
    body: json({ orderId }),
    changes: (response) => (response.includes('"orderStatus"') ? 0 : undefined),
  }),
  batch: (reports) => ({
    path: PATHS.batch,
    body: json({ updates: reports.map((report) => ({ ...report, operator })) }),
    changes: (response) => (count(response, '"OUTCOME_APPLIED"') === reports.length ? reports.length : undefined),
  }),
  pause: (orderId, isPaused) => ({
    path: PATHS.pause,
    body: json({ orderId, paused: isPaused, operator }),
    changes: (response) => (response.includes('"changed":true') ? 1 : undefined),
  }),
  submit: (requestId) => ({
    path: PATHS.submit,
    body: json({ ...NEW_ORDER, requestId }),
    changes: (response) => (response.includes('"orderId"') ? 1 : undefined),
  }),
};
