import { setTimeout as sleep } from "node:timers/promises";
import { status as GrpcCode } from "@grpc/grpc-js";
import type { Command } from "commander";
import {
  OrderStatusService,
  type WatchOrderStatusResponse,
  WatchOrderStatusResponseSchema,
} from "../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { collect, parseOrderId } from "../args.ts";
import { examples } from "../examples.ts";
import { CallError } from "../failures.ts";
import { describeState, describeTransition, formatTime } from "../format.ts";
import { untilInterrupted } from "../interrupt.ts";
import { type Session, withService } from "../session.ts";
import { printNote, terminal } from "../terminal.ts";

/** How long we wait before we come back to a service that went away: first and longest. */
const BACK_MS = { first: 200, longest: 5_000 } as const;

function lineOf({ update }: WatchOrderStatusResponse): string {
  const { paint } = terminal;
  if (update.case === "snapshot") {
    const { orderId, orderStatus, version, paused, finished, updateTime } = update.value;
    const marks = [`version ${version}`, ...(paused ? ["paused"] : []), ...(finished ? ["finished"] : [])];
    return `${paint("dim", formatTime(updateTime))}  order ${orderId}  stands at ${describeState(orderStatus)}  ${marks.join(", ")}`;
  }
  if (update.case === "change") {
    const { orderId, fromStatus, toStatus, version, recordTime } = update.value;
    return `${paint("dim", formatTime(recordTime))}  order ${orderId}  ${paint("bold", describeTransition(fromStatus, toStatus))}  version ${version}`;
  }
  return "";
}

/** Whether the service ended the stream because it stops, or was lost: then one comes back. */
function isGone(error: unknown): boolean {
  return error instanceof CallError && error.failure.code === GrpcCode.UNAVAILABLE;
}

async function watch({ stream, showLine, server }: Session, orderIds: readonly bigint[]): Promise<void> {
  const signal = untilInterrupted();
  const seen = new Map<bigint, bigint>();
  let backMs: number = BACK_MS.first;
  while (!signal.aborted) {
    try {
      const request = { orderIds: [...orderIds], afterVersions: Object.fromEntries(seen) };
      for await (const message of stream(OrderStatusService.method.watchOrderStatus, request, signal)) {
        backMs = BACK_MS.first;
        const { update } = message;
        if (update.case === "snapshot" || update.case === "change") {
          seen.set(update.value.orderId, update.value.version);
          showLine(WatchOrderStatusResponseSchema, message, () => lineOf(message));
        }
      }
    } catch (error) {
      if (seen.size === 0 || !isGone(error)) {
        throw error;
      }
      if (backMs === BACK_MS.first) {
        printNote(`${server} has gone away; waiting for it to come back …`);
      }
    }
    await sleep(backMs, undefined, { signal }).catch(() => {});
    backMs = Math.min(2 * backMs, BACK_MS.longest);
  }
}

/** `oms order watch ORDER…`: their life, as it happens. */
export function addOrderWatch(order: Command): void {
  const command = order
    .command("watch")
    .description(
      "where orders stand, then each change as it is committed, until Ctrl-C; nothing is missed over a restart",
    )
    .argument("<order...>", "their ids", collect(parseOrderId));
  examples(command, ["oms order watch 171203044 171203045", "oms order watch 171203044 --json | jq -c .change"]);
  command.action((orderIds: bigint[]) => withService(command, (session) => watch(session, orderIds)));
}
