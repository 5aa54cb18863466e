import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import type { UpdateOrderStatusResponse } from "../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import {
  OrderStatusService,
  type UpdateOrderStatusRequestSchema,
} from "../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import type { Random } from "../../tools/testkit/random.ts";
import type { Attempts, Calls, Reply } from "./calls.ts";
import { reasonIn } from "./reason.ts";
import { type AttemptResult, codeName, isIndeterminate } from "./service-client.ts";

type Update = MessageInitShape<typeof UpdateOrderStatusRequestSchema>;

/** Puts reports of many orders into one BatchUpdateOrderStatus, as a warehouse does that reports once in a while. */
export interface Batches {
  report(update: Update, attempts: Attempts): Promise<Reply<UpdateOrderStatusResponse>>;
}

/** Reports in one call at most, and how long the first one waits for company, in milliseconds. */
const MAX_BATCH = 40;
const WAIT_MS = 60;

/** When a report comes again that alone had no answer, in milliseconds. */
const AGAIN_MS = 300;

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
    const counted = { sent: 0, indeterminate: 0 };
    const count = () => {
      for (const { attempts } of batch) {
        attempts.sent += counted.sent;
        attempts.indeterminate += counted.indeterminate;
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
      for (const [index, one] of batch.entries()) {
        const answer = reply.kind === "refused" ? reply : answerOf(reply.message.results[index]?.result);
        if (answer.kind === "indeterminate") {
          one.attempts.indeterminate += 1;
          setTimeout(add, AGAIN_MS, one);
        } else {
          one.resolve(answer);
        }
      }
    } catch (error) {
      count();
      for (const { reject } of batch) {
        reject(error);
      }
    }
  };

  const add = (one: Waiting) => {
    waiting.push(one);
    if (waiting.length >= MAX_BATCH) {
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

/** A report of a batch may have no answer for itself: the database was away just then. */
function answerOf(result: Result | undefined): AttemptResult<UpdateOrderStatusResponse> {
  switch (result?.case) {
    case "response":
      return { kind: "answered", message: result.value };
    case "error":
      return isIndeterminate(result.value.code)
        ? { kind: "indeterminate" }
        : { kind: "refused", why: reasonIn(result.value.details) ?? codeName(result.value.code) };
    default:
      return { kind: "refused", why: "a batch's result is missing" };
  }
}
