import { create } from "@bufbuild/protobuf";
import type { Command } from "commander";
import { ListParkedResponseSchema } from "../../../gen/oms/operations/v1/action_service_pb.ts";
import { parseLimit } from "../args.ts";
import { parkedTable } from "../entries.ts";
import { examples } from "../examples.ts";
import { addFilterOptions, type FilterOptions, filterOf } from "../filter.ts";
import { readPages } from "../pages.ts";
import { withService } from "../session.ts";
import { printNote } from "../terminal.ts";

/** `oms parked ACTION`: what it gave up, and why. */
export function addParked(program: Command): void {
  const command = addFilterOptions(
    program
      .command("parked")
      .description("what an Action gave up and a person has to decide on, oldest event first")
      .argument("<action>", "its name, see oms actions"),
  ).option("--limit <count>", "at most so many", parseLimit, 100);
  examples(command, [
    "oms parked settlement-push",
    'oms parked e-invoice --error "422" --since 2h --limit 1000',
    "oms parked e-invoice --json | jq -r '.entries[].messageId'",
  ]);
  command.action((action: string, options: FilterOptions & { limit: number }) =>
    withService(command, async ({ actions, show }) => {
      const filter = filterOf(options);
      const { items, more } = await readPages(options.limit, async (page) => {
        const { entries, nextPageToken } = await actions.listParked({
          action,
          ...(filter !== undefined && { filter }),
          ...page,
        });
        return { items: entries, nextPageToken };
      });
      show(ListParkedResponseSchema, create(ListParkedResponseSchema, { entries: items }), () =>
        items.length === 0
          ? `${action} has nothing parked${filter === undefined ? "" : " that fits"}.`
          : parkedTable(items),
      );
      if (more) {
        printNote(`These are the first ${items.length}; there may be more: --limit ${10 * options.limit}`);
      }
    }),
  );
}
