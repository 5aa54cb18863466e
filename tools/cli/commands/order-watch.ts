import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Command } from "commander";
import {
  type WatchOrderStatusResponse,
  WatchOrderStatusResponseSchema,
} from "../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { collect, examples, parseOrderId } from "../args.ts";
import { isUnreachable } from "../failures.ts";
import { describeState, describeTransition, formatTime } from "../format.ts";
import { type Session, withService } from "../session.ts";
import { printNote, terminal, untilInterrupted } from "../terminal.ts";

/** Wait before a reconnect attempt, in milliseconds; doubled after each. */
const RECONNECT_MS = { first: 200, longest: 5_000 } as const;

function lineOf({ update }: WatchOrderStatusResponse): string {
  const { paint } = terminal;
  if (update.case === "snapshot") {
    const { orderId, orderStatus, version, paused, finished, updateTime } = update.value;
    const marks = [`version ${version}`, ...(paused ? ["paused"] : []), ...(finished ? ["finished"] : [])];
    return `${paint("dim", formatTime(updateTime))}  order ${orderId}  is ${describeState(orderStatus)}  ${marks.join(", ")}`;
  }
  if (update.case === "change") {
    const { orderId, fromStatus, toStatus, version, recordTime } = update.value;
    return `${paint("dim", formatTime(recordTime))}  order ${orderId}  ${paint("bold", describeTransition(fromStatus, toStatus))}  version ${version}`;
  }
  return "";
}

/**
 * Whether the service shuts down or the connection broke; a new stream continues after the last
 * change.
 */
function isTransient(error: ConnectError): boolean {
  return error.code === Code.Unavailable || isUnreachable(error);
}

async function watch({ orderStatus, showLine, server }: Session, orderIds: readonly bigint[]): Promise<void> {
  const signal = untilInterrupted();
  const seen = new Map<bigint, bigint>();
  let waitMs: number = RECONNECT_MS.first;
  while (!signal.aborted) {
    try {
      const request = { orderIds: [...orderIds], afterVersions: Object.fromEntries(seen) };
      for await (const message of orderStatus.watchOrderStatus(request, { signal, timeoutMs: 0 })) {
        waitMs = RECONNECT_MS.first;
        const { update } = message;
        if (update.case === "snapshot" || update.case === "change") {
          seen.set(update.value.orderId, update.value.version);
          showLine(WatchOrderStatusResponseSchema, message, () => lineOf(message));
        }
      }
    } catch (error) {
      if (signal.aborted) {
        return;
      }
      // The service ended the stream because it shuts down, or the connection broke.
      if (seen.size === 0 || !(error instanceof ConnectError) || !isTransient(error)) {
        throw error;
      }
      if (waitMs === RECONNECT_MS.first) {
        printNote(`Lost the connection to ${server}; reconnecting …`);
      }
    }
    await sleep(waitMs, undefined, { signal }).catch(() => {});
    waitMs = Math.min(2 * waitMs, RECONNECT_MS.longest);
  }
}

/** `oms order watch ORDER…`: prints changes as they are committed. */
export function addOrderWatch(order: Command): void {
  const command = order
    .command("watch")
    .description(
      "print the state of orders, then each change as it is committed, until Ctrl-C; reconnects without gaps",
    )
    .argument("<order...>", "order ids", collect(parseOrderId));
  examples(command, ["oms order watch 171203044 171203045", "oms order watch 171203044 --json | jq -c .change"]);
  command.action((orderIds: bigint[]) => withService(command, (session) => watch(session, orderIds)));
}
