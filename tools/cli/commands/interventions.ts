import { create } from "@bufbuild/protobuf";
import type { Command } from "commander";
import {
  type Intervention,
  InterventionKind,
  InterventionKindSchema,
  ListInterventionsResponseSchema,
} from "../../../gen/oms/operations/v1/action_service_pb.ts";
import { describeOperator } from "../../../src/domain/operator.ts";
import { examples, parseLimit } from "../args.ts";
import { clean, formatCount, formatTime, wordOf } from "../format.ts";
import { readPages } from "../paging.ts";
import { withService } from "../session.ts";
import { type Column, formatTable } from "../table.ts";
import { printNote, terminal } from "../terminal.ts";

const WITHOUT_EVENTS: readonly InterventionKind[] = [InterventionKind.PAUSE, InterventionKind.RESUME];

const COLUMNS: readonly Column<Intervention>[] = [
  { title: "time", cell: ({ time }) => formatTime(time) },
  { title: "kind", cell: ({ kind }) => wordOf(InterventionKindSchema, kind).toLowerCase() },
  { title: "Action", cell: ({ action }) => clean(action) },
  {
    title: "events",
    cell: ({ kind, affectedCount }) => (WITHOUT_EVENTS.includes(kind) ? "" : formatCount(affectedCount)),
    align: "right",
  },
  { title: "selection", cell: ({ selection }) => clean(selection), flexible: true },
  { title: "operator", cell: (entry) => clean(`${describeOperator(entry)} (${entry.caller})`) },
  { title: "reason", cell: ({ reason }) => clean(reason), flexible: true },
];

/** `oms interventions`: the log of manual interventions. */
export function addInterventions(program: Command): void {
  const command = program
    .command("interventions")
    .description("list retries, discards, replays, pauses and resumes with operator and reason, newest first")
    .option("--action <action>", "only interventions for this Action")
    .option("--limit <count>", "maximum number of results", parseLimit, 100);
  examples(command, ["oms interventions", "oms interventions --action e-invoice --json"]);
  command.action(({ action = "", limit }: { action?: string; limit: number }) =>
    withService(command, async ({ actions, show }) => {
      const { items, more } = await readPages(limit, async (page) => {
        const answer = await actions.listInterventions({ action, ...page });
        return { items: answer.interventions, nextPageToken: answer.nextPageToken };
      });
      const answer = create(ListInterventionsResponseSchema, { interventions: items });
      show(ListInterventionsResponseSchema, answer, () =>
        items.length === 0 ? "No interventions." : formatTable(COLUMNS, items, terminal),
      );
      if (more) {
        printNote(`Showing the latest ${items.length}. For more: --limit ${10 * limit}`);
      }
    }),
  );
}
