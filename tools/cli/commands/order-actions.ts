import type { Command } from "commander";
import {
  type ActionEntry,
  GetOrderActionsResponseSchema,
  InterventionKindSchema,
} from "../../../gen/oms/operations/v1/action_service_pb.ts";
import { describeOperator } from "../../../src/domain/operator.ts";
import { examples, parseOrderId } from "../args.ts";
import { entryColumns } from "../entries.ts";
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
    title: "intervention",
    cell: ({ intervention }) =>
      intervention === undefined
        ? ""
        : clean(
            `${wordOf(InterventionKindSchema, intervention.kind).toLowerCase()}, ${describeOperator(intervention)}`,
          ),
  },
  lastError,
];

/** `oms order actions ORDER`: the Actions of an order's events. */
export function addOrderActions(order: Command): void {
  const command = order
    .command("actions")
    .description("list the Actions of an order's events and their results, oldest event first")
    .argument("<order>", "order id", parseOrderId);
  examples(command, [
    "oms order actions 171203044",
    "oms order actions 171203044 --json | jq '.entries[] | {action, state}'",
  ]);
  command.action((orderId: bigint) =>
    withService(command, async ({ actions, show }) => {
      const answer = await actions.getOrderActions({ orderId });
      show(GetOrderActionsResponseSchema, answer, () =>
        answer.entries.length === 0
          ? `No Action matches an event of order ${orderId}.`
          : formatTable(COLUMNS, answer.entries, terminal),
      );
    }),
  );
}
