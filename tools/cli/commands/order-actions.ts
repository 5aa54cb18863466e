import type { Command } from "commander";
import {
  type ActionEntry,
  GetOrderActionsResponseSchema,
  InterventionKindSchema,
} from "../../../gen/oms/operations/v1/action_service_pb.ts";
import { parseOrderId } from "../args.ts";
import { entryColumns } from "../entries.ts";
import { examples } from "../examples.ts";
import { clean, wordOf } from "../format.ts";
import { withService } from "../session.ts";
import { type Column, formatTable } from "../table.ts";
import { terminal } from "../terminal.ts";

const { event, action, state, attempts, committed, finished, due, lastError } = entryColumns;

const COLUMNS: readonly Column<ActionEntry>[] = [
  event,
  action,
  state,
  attempts,
  committed,
  finished,
  due,
  {
    title: "by hand",
    cell: ({ intervention }) =>
      intervention === undefined
        ? ""
        : clean(`${wordOf(InterventionKindSchema, intervention.kind).toLowerCase()}, ${intervention.operator}`),
  },
  lastError,
];

/** `oms order actions ORDER`: what the Actions made of its events. */
export function addOrderActions(order: Command): void {
  const command = order
    .command("actions")
    .description("what the Actions made of an order's events, oldest event first")
    .argument("<order>", "the order's id", parseOrderId);
  examples(command, [
    "oms order actions 171203044",
    "oms order actions 171203044 --json | jq '.entries[] | {action, state}'",
  ]);
  command.action((orderId: bigint) =>
    withService(command, async ({ actions, show }) => {
      const answer = await actions.getOrderActions({ orderId });
      show(GetOrderActionsResponseSchema, answer, () =>
        answer.entries.length === 0
          ? `No Action has asked for an event of order ${orderId}.`
          : formatTable(COLUMNS, answer.entries, terminal),
      );
    }),
  );
}
