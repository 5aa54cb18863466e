import type { Command } from "commander";
import {
  ActionKindSchema,
  type ActionStatus,
  ListActionsResponseSchema,
} from "../../../gen/oms/operations/v1/action_service_pb.ts";
import { examples } from "../args.ts";
import { clean, formatAge, formatCount, wordOf } from "../format.ts";
import { withService } from "../session.ts";
import { type Column, formatTable } from "../table.ts";
import { terminal } from "../terminal.ts";

const COLUMNS: readonly Column<ActionStatus>[] = [
  { title: "Action", cell: ({ name }) => clean(name) },
  { title: "kind", cell: ({ kind }) => wordOf(ActionKindSchema, kind).toLowerCase() },
  { title: "pending", cell: ({ pending }) => formatCount(pending), align: "right" },
  { title: "in flight", cell: ({ inFlight }) => formatCount(inFlight), align: "right" },
  {
    title: "parked",
    cell: ({ parked }) => formatCount(parked),
    align: "right",
    tone: ({ parked }) => (parked > 0n ? "red" : undefined),
  },
  { title: "done", cell: ({ doneTotal }) => formatCount(doneTotal), align: "right" },
  { title: "retries", cell: ({ retryTotal }) => formatCount(retryTotal), align: "right" },
  { title: "oldest", cell: ({ oldestPendingTime }) => formatAge(oldestPendingTime), align: "right" },
  {
    title: "paused",
    cell: ({ paused, pausedBy, pauseReason, pausedTime }) =>
      paused ? clean(`${formatAge(pausedTime)}, ${pausedBy}: ${pauseReason}`) : "",
    flexible: true,
    tone: () => "yellow",
  },
  {
    title: "last error",
    cell: ({ lastError, lastErrorTime }) =>
      lastError === "" ? "" : clean(`${formatAge(lastErrorTime)} ago: ${lastError}`),
    flexible: true,
  },
];

/** `oms actions`: status of all Actions. */
export function addActions(program: Command): void {
  const command = program
    .command("actions")
    .description("list all Actions, steps and timers with their pending, parked and done counts, and paused ones");
  examples(command, ["oms actions", "oms actions --json | jq -r '.actions[] | select(.parked != \"0\") | .name'"]);
  command.action(() =>
    withService(command, async ({ actions, show }) => {
      const answer = await actions.listActions({});
      show(ListActionsResponseSchema, answer, () => formatTable(COLUMNS, answer.actions, terminal));
    }),
  );
}
