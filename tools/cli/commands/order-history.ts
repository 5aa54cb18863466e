import { create } from "@bufbuild/protobuf";
import type { Command } from "commander";
import { Outcome, OutcomeSchema, type StatusHistoryEntry } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { ListStatusHistoryResponseSchema } from "../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { describeOperator } from "../../../src/domain/operator.ts";
import { examples, parseOrderId } from "../args.ts";
import { clean, describeState, formatTime, wordOf } from "../format.ts";
import { readPages } from "../paging.ts";
import { withService } from "../session.ts";
import { type Column, formatTable } from "../table.ts";
import { terminal } from "../terminal.ts";

const COLUMNS: readonly Column<StatusHistoryEntry>[] = [
  { title: "committed", cell: ({ recordTime }) => formatTime(recordTime) },
  { title: "occurred", cell: ({ occurTime }) => formatTime(occurTime) },
  { title: "version", cell: ({ version }) => String(version), align: "right" },
  {
    title: "outcome",
    cell: ({ outcome }) => wordOf(OutcomeSchema, outcome),
    tone: ({ outcome }) => (outcome === Outcome.STALE ? "yellow" : undefined),
  },
  { title: "state", cell: ({ toStatus }) => describeState(toStatus) },
  { title: "reported by", cell: (entry) => clean(`${entry.caller} (${describeOperator(entry)})`) },
  { title: "remark", cell: ({ remark }) => clean(remark), flexible: true },
];

/** `oms order history ORDER`: all reports for an order. */
export function addOrderHistory(order: Command): void {
  const command = order
    .command("history")
    .description("list all reports for an order, oldest first, including late ones (STALE)")
    .argument("<order>", "order id", parseOrderId);
  examples(command, [
    "oms order history 171203044",
    "oms order history 171203044 --json | jq -r '.entries[].toStatus'",
  ]);
  command.action((orderId: bigint) =>
    withService(command, async ({ orderStatus, show }) => {
      const { items } = await readPages(Number.POSITIVE_INFINITY, async (page) => {
        const { entries, nextPageToken } = await orderStatus.listStatusHistory({
          orderId,
          ...page,
        });
        return { items: entries, nextPageToken };
      });
      show(ListStatusHistoryResponseSchema, create(ListStatusHistoryResponseSchema, { entries: items }), () =>
        items.length === 0 ? `No reports for order ${orderId}.` : formatTable(COLUMNS, items, terminal),
      );
    }),
  );
}
