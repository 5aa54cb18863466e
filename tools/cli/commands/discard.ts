import { create } from "@bufbuild/protobuf";
import type { Command } from "commander";
import { DiscardParkedResponseSchema } from "../../../gen/oms/operations/v1/action_service_pb.ts";
import { examples } from "../args.ts";
import { countOf } from "../format.ts";
import { runInBatches } from "../paging.ts";
import {
  addInterventionOptions,
  addSelectionOptions,
  countSelected,
  describeDryRun,
  type InterventionOptions,
  type SelectionOptions,
  selectionsOf,
} from "../selection.ts";
import { withService } from "../session.ts";

type Options = SelectionOptions & InterventionOptions & { readonly reason: string };

/** `oms discard ACTION`: discards parked events. */
export function addDiscard(program: Command): void {
  const command = program
    .command("discard")
    .description("discard parked events of an Action; they stay in the ledger as DISCARDED")
    .argument("<action>", "name of the Action, as in oms actions");
  addInterventionOptions(addSelectionOptions(command), "discarded", "required");
  examples(command, [
    'oms discard e-invoice --error "no such mailbox" --orders 100-200 --reason "test orders" --dry-run',
    'oms discard e-invoice --id 171203044-7 --reason "mailed by hand"',
  ]);
  command.action((action: string, options: Options) =>
    withService(command, async (session) => {
      const { operator, reason, dryRun = false } = options;
      const done = await runInBatches({
        what: dryRun ? "to be discarded" : "discarded",
        selections: selectionsOf(options, command),
        async perform(selection, pageToken) {
          const request = { action, ...selection, operator, reason, validateOnly: dryRun, pageToken };
          const { discardedCount, ...rest } = await session.actions.discardParked(request);
          return { ...rest, count: discardedCount };
        },
        total: (count) => countSelected(session, action, options, count),
      });
      const answer = create(DiscardParkedResponseSchema, { discardedCount: done.count, samples: [...done.samples] });
      session.show(DiscardParkedResponseSchema, answer, () =>
        dryRun
          ? describeDryRun("discarded", action, done)
          : `${countOf(done.count, "event")} of ${action} discarded. To undo: oms replay ${action} --order …`,
      );
    }),
  );
}
