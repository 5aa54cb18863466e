import { create } from "@bufbuild/protobuf";
import type { Command } from "commander";
import { ListParkedResponseSchema } from "../../../gen/oms/operations/v1/action_service_pb.ts";
import { examples, parseLimit } from "../args.ts";
import { parkedTable } from "../entries.ts";
import { readPages } from "../paging.ts";
import { addFilterOptions, type FilterOptions, filterOf } from "../selection.ts";
import { withService } from "../session.ts";
import { printNote } from "../terminal.ts";

/** `oms parked ACTION`: its parked events. */
export function addParked(program: Command): void {
  const command = addFilterOptions(
    program
      .command("parked")
      .description("list the parked events of an Action, which wait for an operator, oldest first")
      .argument("<action>", "name of the Action, as in oms actions"),
  ).option("--limit <count>", "maximum number of results", parseLimit, 100);
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
          ? `${action} has no parked events${filter === undefined ? "" : " that match"}.`
          : parkedTable(items),
      );
      if (more) {
        printNote(`Showing the first ${items.length}. For more: --limit ${10 * options.limit}`);
      }
    }),
  );
}
