import { create } from "@bufbuild/protobuf";
import type { Command } from "commander";
import {
  type Intervention,
  InterventionKind,
  InterventionKindSchema,
  ListInterventionsResponseSchema,
} from "../../../gen/oms/operations/v1/action_service_pb.ts";
import { parseLimit } from "../args.ts";
import { examples } from "../examples.ts";
import { clean, formatCount, formatTime, wordOf } from "../format.ts";
import { readPages } from "../pages.ts";
import { withService } from "../session.ts";
import { type Column, formatTable } from "../table.ts";
import { printNote, terminal } from "../terminal.ts";

const SWITCHES: readonly InterventionKind[] = [InterventionKind.PAUSE, InterventionKind.RESUME];

const COLUMNS: readonly Column<Intervention>[] = [
  { title: "time", cell: ({ time }) => formatTime(time) },
  { title: "what", cell: ({ kind }) => wordOf(InterventionKindSchema, kind).toLowerCase() },
  { title: "Action", cell: ({ action }) => clean(action) },
  {
    title: "events",
    cell: ({ kind, affectedCount }) => (SWITCHES.includes(kind) ? "" : formatCount(affectedCount)),
    align: "right",
  },
  { title: "which", cell: ({ selection }) => clean(selection), flexible: true },
  { title: "who", cell: ({ operator, caller }) => clean(`${operator} (${caller})`) },
  { title: "why", cell: ({ reason }) => clean(reason), flexible: true },
];

/** `oms interventions`: who did what to the Actions, and why. */
export function addInterventions(program: Command): void {
  const command = program
    .command("interventions")
    .description("who retried, discarded, replayed, held and resumed what, and why; newest first")
    .option("--action <action>", "only of this one")
    .option("--limit <count>", "at most so many", parseLimit, 100);
  examples(command, ["oms interventions", "oms interventions --action e-invoice --json"]);
  command.action(({ action = "", limit }: { action?: string; limit: number }) =>
    withService(command, async ({ actions, show }) => {
      const { items, more } = await readPages(limit, async (page) => {
        const answer = await actions.listInterventions({ action, ...page });
        return { items: answer.interventions, nextPageToken: answer.nextPageToken };
      });
      const answer = create(ListInterventionsResponseSchema, { interventions: items });
      show(ListInterventionsResponseSchema, answer, () =>
        items.length === 0 ? "Nobody has done anything by hand." : formatTable(COLUMNS, items, terminal),
      );
      if (more) {
        printNote(`These are the latest ${items.length}; for more: --limit ${10 * limit}`);
      }
    }),
  );
}
