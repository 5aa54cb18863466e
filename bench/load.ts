import { create, toBinary } from "@bufbuild/protobuf";
import type { OrderStatus } from "../gen/oms/orderstatus/v1/order_status_pb.ts";
import {
  OrderStatusService,
  UpdateOrderStatusRequestSchema,
} from "../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { type H2Connection, openConnection } from "./h2.ts";

/** The life that every order of the benchmark is walked through: each report is a real change. */
export const WALK: readonly OrderStatus[] = [1010, 1020, 2010, 2020, 3010, 3020, 3030, 4010, 5010, 5020, 6010];

/** Connections that the callers share. */
const MAX_CONNECTIONS = 8;

export interface Load {
  readonly host: string;
  readonly port: number;
  /** Calls under way at any time. */
  readonly callers: number;
  readonly seconds: number;
  /** Seconds before it counts. */
  readonly warmup: number;
  /** Ids of orders at CREATED, each given out once; the load ends when there are no more. */
  readonly orders: Iterator<bigint>;
  readonly requestIds: boolean;
}

export interface Result {
  readonly perSecond: number;
  /** In milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** All changes made, the warm-up's included. */
  readonly changes: number;
  /** Calls that made no change. */
  readonly failed: number;
}

const { method } = OrderStatusService;
const PATH = `/${OrderStatusService.typeName}/${method.updateOrderStatus.name}`;

/** The first field of the answer, `outcome`, with the value APPLIED. */
const isApplied = (answer: Buffer | undefined) => answer !== undefined && answer[0] === 0x08 && answer[1] === 0x01;

/** Callers that walk orders through their lives, each its own, one call after the other. */
export async function runLoad(load: Load): Promise<Result> {
  const headers = { "oms-caller": "bench" };
  const connections = await Promise.all(
    Array.from({ length: Math.min(load.callers, MAX_CONNECTIONS) }, () =>
      openConnection(load.host, load.port, PATH, headers),
    ),
  );
  const begin = performance.now() + load.warmup * 1_000;
  const end = begin + load.seconds * 1_000;
  const took: number[] = [];
  let changes = 0;
  let failed = 0;

  function walk(connection: H2Connection, finished: () => void): void {
    let orderId: bigint | undefined;
    let step = WALK.length;
    const next = () => {
      if (step === WALK.length) {
        orderId = load.orders.next().value;
        step = 0;
      }
      const start = performance.now();
      if (start >= end || orderId === undefined) {
        finished();
        return;
      }
      const status = WALK[step] ?? 0;
      step += 1;
      const requestId = load.requestIds ? `bench-${orderId}-${status}` : "";
      const request = create(UpdateOrderStatusRequestSchema, { orderId, status, operator: "bench", requestId });
      connection.call(toBinary(UpdateOrderStatusRequestSchema, request), (answer) => {
        const now = performance.now();
        if (isApplied(answer)) {
          changes += 1;
        } else {
          failed += 1;
          step = WALK.length;
        }
        if (start >= begin && now <= end) {
          took.push(now - start);
        }
        next();
      });
    };
    next();
  }

  await Promise.all(
    Array.from(
      { length: load.callers },
      (_, caller) =>
        new Promise<void>((resolve) => walk(connections[caller % connections.length] as H2Connection, resolve)),
    ),
  );
  const seconds = Math.min(load.seconds, (performance.now() - begin) / 1_000);
  for (const connection of connections) {
    connection.close();
  }
  took.sort((a, b) => a - b);
  const at = (share: number) => took[Math.ceil(took.length * share) - 1] ?? 0;
  return { perSecond: took.length / seconds, p50: at(0.5), p99: at(0.99), changes, failed };
}
