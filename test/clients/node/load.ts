/**
 * Calls GetOrderStatus at a fixed rate on one connection of grpc-js with default settings, and
 * prints the results as JSON: load.ts TARGET ORDER_ID CALLS_PER_SECOND SECONDS
 */
import { setTimeout as sleep } from "node:timers/promises";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Client, connectivityState, credentials, type ServiceError, status } from "@grpc/grpc-js";
import {
  GetOrderStatusRequestSchema,
  GetOrderStatusResponseSchema,
} from "../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";

const WORKERS = 64;

const [target = "", orderId = "", rate = "", seconds = ""] = process.argv.slice(2);
const client = new Client(target, credentials.createInsecure());
const request = create(GetOrderStatusRequestSchema, { orderId: BigInt(orderId) });
const failed: Record<string, number> = {};
let calls = 0;
let connects = 0;

/** Counts how often the connection becomes ready: once, unless the server closes it. */
function countConnects(): void {
  const channel = client.getChannel();
  const state = channel.getConnectivityState(false);
  if (state === connectivityState.READY) {
    connects += 1;
  }
  if (state !== connectivityState.SHUTDOWN) {
    channel.watchConnectivityState(state, Number.POSITIVE_INFINITY, countConnects);
  }
}

function call(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  client.makeUnaryRequest(
    "/oms.orderstatus.v1.OrderStatusService/GetOrderStatus",
    (message: typeof request) => Buffer.from(toBinary(GetOrderStatusRequestSchema, message)),
    (bytes) => fromBinary(GetOrderStatusResponseSchema, bytes),
    request,
    { deadline: Date.now() + 10_000 },
    (error: ServiceError | null) => {
      calls += 1;
      if (error !== null) {
        const failure = `${status[error.code]}: ${error.details.slice(0, 120)}`;
        failed[failure] = (failed[failure] ?? 0) + 1;
      }
      resolve();
    },
  );
  return promise;
}

countConnects();
const startedAt = performance.now();
const endsAt = startedAt + Number(seconds) * 1_000;
let sent = 0;

/** A due call that finds all workers busy waits for one. */
async function work(): Promise<void> {
  while (performance.now() < endsAt) {
    if (sent < ((performance.now() - startedAt) / 1_000) * Number(rate)) {
      sent += 1;
      await call();
    } else {
      await sleep(1);
    }
  }
}

await Promise.all(Array.from({ length: WORKERS }, work));
console.log(JSON.stringify({ calls, failed, connects }));
client.close();
