import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import type { UpdateOrderStatusResponse } from "../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import {
  OrderStatusService,
  type UpdateOrderStatusRequestSchema,
} from "../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { nameOf } from "./ask.ts";
import type { Attempts, Calls, Reply } from "./calls.ts";
import type { Random } from "./random.ts";
import { reasonIn } from "./reason.ts";

type Update = MessageInitShape<typeof UpdateOrderStatusRequestSchema>;

/** Puts reports of many orders into one BatchUpdateOrderStatus, as a warehouse does that reports once in a while. */
export interface Batches {
  report(update: Update, attempts: Attempts): Promise<Reply<UpdateOrderStatusResponse>>;
}

/** Reports in one call at most, and how long the first one waits for company, in milliseconds. */
const MAX_BATCH = 40;
const WAIT_MS = 60;

interface Waiting {
  readonly update: Update;
  readonly attempts: Attempts;
  resolve(reply: Reply<UpdateOrderStatusResponse>): void;
  reject(error: unknown): void;
}

export function createBatches(calls: Calls, random: Random): Batches {
  let waiting: Waiting[] = [];
  let timer: NodeJS.Timeout | undefined;

  const flush = async () => {
    clearTimeout(timer);
    timer = undefined;
    const batch = waiting;
    waiting = [];
    const counted = { sent: 0, silent: 0 };
    const count = () => {
      for (const { attempts } of batch) {
        attempts.sent += counted.sent;
        attempts.silent += counted.silent;
      }
    };
    try {
      const updates = batch.map(({ update }) => update);
      const reply = await calls.send(
        random,
        OrderStatusService.method.batchUpdateOrderStatus,
        { updates },
        "wms",
        counted,
      );
      count();
      for (const [index, { resolve }] of batch.entries()) {
        resolve(reply.kind === "refused" ? reply : replyOf(reply.message.results[index]?.result));
      }
    } catch (error) {
      count();
      for (const { reject } of batch) {
        reject(error);
      }
    }
  };

  return {
    report: (update, attempts) =>
      new Promise((resolve, reject) => {
        waiting.push({ update, attempts, resolve, reject });
        if (waiting.length >= MAX_BATCH) {
          void flush();
        } else {
          timer ??= setTimeout(() => void flush(), WAIT_MS);
        }
      }),
  };
}

type Result =
  | { case: "response"; value: UpdateOrderStatusResponse }
  | { case: "error"; value: { code: number; details: Any[] } }
  | { case: undefined; value?: undefined };

function replyOf(result: Result | undefined): Reply<UpdateOrderStatusResponse> {
  switch (result?.case) {
    case "response":
      return { kind: "answered", message: result.value };
    case "error":
      return { kind: "refused", why: reasonIn(result.value.details) ?? nameOf(result.value.code) };
    default:
      return { kind: "refused", why: "a batch's result is missing" };
  }
}
