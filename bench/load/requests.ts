import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { OrderStatus } from "../../gen/oms/orderstatus/v1/order_status_pb.ts";
import {
  BatchUpdateOrderStatusRequestSchema,
  BatchUpdateOrderStatusResponseSchema,
  GetOrderStatusRequestSchema,
  OrderStatusService,
  SetOrderPauseRequestSchema,
  UpdateOrderStatusRequestSchema,
} from "../../gen/oms/orderstatus/v1/order_status_service_pb.ts";

/** A call, coded. */
export interface Request {
  readonly path: string;
  readonly body: Uint8Array;
  /** How many changes the answer tells of; undefined when it does not print that all was done as asked. */
  readonly changes: (answer: Buffer) => number | undefined;
}

/** One report of a status. */
export interface Report {
  readonly orderId: bigint;
  readonly status: OrderStatus;
  /** Empty for none. */
  readonly requestId: string;
}

/** The calls of the load in one protocol. */
export interface Requests {
  update(report: Report): Request;
  get(orderId: bigint): Request;
  batch(reports: readonly Report[]): Request;
  pause(orderId: bigint, paused: boolean): Request;
}

const operator = "bench";
const { method, typeName } = OrderStatusService;
const pathOf = ({ name }: { readonly name: string }) => `/${typeName}/${name}`;
const PATHS = {
  update: pathOf(method.updateOrderStatus),
  get: pathOf(method.getOrderStatus),
  batch: pathOf(method.batchUpdateOrderStatus),
  pause: pathOf(method.setOrderPause),
};

/** Whether the answer begins with its fields 1 and, where wanted, 2 set to 1 or true: so outcome is APPLIED, or success and changed are true. */
const begins = (answer: Buffer, bytes: readonly number[]) => bytes.every((byte, at) => answer[at] === byte);
const applied = (answer: Buffer) => (begins(answer, [0x08, 0x01]) ? 1 : undefined);
const told = (answer: Buffer) => (answer.length > 0 ? 0 : undefined);
const paused = (answer: Buffer) => (begins(answer, [0x08, 0x01, 0x10, 0x01]) ? 1 : undefined);

function allApplied(answer: Buffer): number | undefined {
  const { results } = fromBinary(BatchUpdateOrderStatusResponseSchema, answer);
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
    changes: told,
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
    changes: paused,
  }),
};

const json = (fields: object) =>
  Buffer.from(JSON.stringify(fields, (_, value) => (typeof value === "bigint" ? String(value) : value)));

const count = (answer: Buffer, word: string) => answer.toString().split(word).length - 1;

export const CONNECT_JSON: Requests = {
  update: (report) => ({
    path: PATHS.update,
    body: json({ ...report, operator }),
    changes: (answer) => (answer.includes('"OUTCOME_APPLIED"') ? 1 : undefined),
  }),
  get: (orderId) => ({
    path: PATHS.get,
    body: json({ orderId }),
    changes: (answer) => (answer.includes('"orderStatus"') ? 0 : undefined),
  }),
  batch: (reports) => ({
    path: PATHS.batch,
    body: json({ updates: reports.map((report) => ({ ...report, operator })) }),
    changes: (answer) => (count(answer, '"OUTCOME_APPLIED"') === reports.length ? reports.length : undefined),
  }),
  pause: (orderId, isPaused) => ({
    path: PATHS.pause,
    body: json({ orderId, paused: isPaused, operator }),
    changes: (answer) => (answer.includes('"changed":true') ? 1 : undefined),
  }),
};
