import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import type { UpdateOrderStatusResponse } from "../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import {
  OrderStatusService,
  type UpdateOrderStatusRequestSchema,
} from "../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import type { Random } from "../../tools/testkit/random.ts";
import type { Attempts, Calls, Reply } from "./calls.ts";
import { type AttemptResult, codeName, isIndeterminate, reasonIn } from "./service-client.ts";

type Update = MessageInitShape<typeof UpdateOrderStatusRequestSchema>;

/** Combines reports of many orders into BatchUpdateOrderStatus calls, as a warehouse does. */
export interface Batches {
  report(update: Update, attempts: Attempts): Promise<Reply<UpdateOrderStatusResponse>>;
}

/** Maximum batch size, and the time that the first report waits for more, in milliseconds. */
const MAX_BATCH = 40;
const WAIT_MS = 60;

/** Retry delay of a report that alone was not answered, in milliseconds. */
const RETRY_MS = 300;

interface PendingReport {
  readonly update: Update;
  readonly attempts: Attempts;
  resolve(reply: Reply<UpdateOrderStatusResponse>): void;
  reject(error: unknown): void;
}

export function createBatches(calls: Calls, random: Random): Batches {
  let pending: PendingReport[] = [];
  let timer: NodeJS.Timeout | undefined;

  const flush = async () => {
    clearTimeout(timer);
    timer = undefined;
    const batch = pending;
    pending = [];
    const attempts = { sent: 0, indeterminate: 0 };
    const countAttempts = () => {
      for (const report of batch) {
        report.attempts.sent += attempts.sent;
        report.attempts.indeterminate += attempts.indeterminate;
      }
    };
    try {
      const { batchUpdateOrderStatus } = OrderStatusService.method;
      const updates = batch.map(({ update }) => update);
      const reply = await calls.send(random, batchUpdateOrderStatus, { updates }, "wms", attempts);
      countAttempts();
      for (const [index, report] of batch.entries()) {
        const result = reply.kind === "rejected" ? reply : resultOf(reply.message.results[index]?.result);
        if (result.kind === "indeterminate") {
          report.attempts.indeterminate += 1;
          setTimeout(add, RETRY_MS, report);
        } else {
          report.resolve(result);
        }
      }
    } catch (error) {
      countAttempts();
      for (const { reject } of batch) {
        reject(error);
      }
    }
  };

  const add = (report: PendingReport) => {
    pending.push(report);
    if (pending.length >= MAX_BATCH) {
      void flush();
    } else {
      timer ??= setTimeout(() => void flush(), WAIT_MS);
    }
  };

  return {
    report: (update, attempts) => new Promise((resolve, reject) => add({ update, attempts, resolve, reject })),
  };
}

type Result =
  | { case: "response"; value: UpdateOrderStatusResponse }
  | { case: "error"; value: { code: number; details: Any[] } }
  | { case: undefined; value?: undefined };

/** A single report of a batch may be indeterminate, for example when the database was down. */
function resultOf(result: Result | undefined): AttemptResult<UpdateOrderStatusResponse> {
  switch (result?.case) {
    case "response":
      return { kind: "answered", message: result.value };
    case "error":
      return isIndeterminate(result.value.code)
        ? { kind: "indeterminate" }
        : { kind: "rejected", reason: reasonIn(result.value.details) ?? codeName(result.value.code) };
    default:
      return { kind: "rejected", reason: "the batch has no result for the report" };
  }
}
