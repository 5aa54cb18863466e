import { create } from "@bufbuild/protobuf";
import type { Command } from "commander";
import { DiscardParkedResponseSchema } from "../../../gen/oms/operations/v1/action_service_pb.ts";
import { runInBatches } from "../batches.ts";
import { examples } from "../examples.ts";
import { countOf } from "../format.ts";
import {
  addIntentOptions,
  addSelectionOptions,
  describeDryRun,
  type IntentOptions,
  type SelectionOptions,
  selectionsOf,
} from "../selection.ts";
import { withService } from "../session.ts";

type Options = SelectionOptions & IntentOptions & { readonly reason: string };

/** `oms discard ACTION`: parked events are given up for good. */
export function addDiscard(program: Command): void {
  const command = program
    .command("discard")
    .description("gives parked events of an Action up for good; they stay in the ledger as DISCARDED")
    .argument("<action>", "its name, see oms actions");
  addIntentOptions(addSelectionOptions(command), "discarded", "required");
  examples(command, [
    'oms discard e-invoice --error "no such mailbox" --orders 100-200 --reason "test orders" --dry-run',
    'oms discard e-invoice --id 171203044-7 --reason "mailed by hand"',
  ]);
  command.action((action: string, options: Options) =>
    withService(command, async (session) => {
      const { id, operator, reason, dryRun = false } = options;
      const done = await runInBatches({
        what: dryRun ? "to be discarded" : "discarded",
        selections: selectionsOf(options, command),
        async perform(selection, pageToken) {
          const request = { action, ...selection, operator, reason, validateOnly: dryRun, pageToken };
          const { discardedCount, ...rest } = await session.actions.discardParked(request);
          return { ...rest, count: discardedCount };
        },
        total: async () => id && BigInt(id.length),
      });
      const answer = create(DiscardParkedResponseSchema, { discardedCount: done.count, samples: [...done.samples] });
      session.show(DiscardParkedResponseSchema, answer, () =>
        dryRun
          ? describeDryRun("discarded", action, done)
          : `${countOf(done.count, "event")} of ${action} discarded. Changed your mind? oms replay ${action} --order …`,
      );
    }),
  );
}
