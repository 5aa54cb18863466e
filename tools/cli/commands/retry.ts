import { create } from "@bufbuild/protobuf";
import type { Command } from "commander";
import { RetryParkedResponseSchema } from "../../../gen/oms/operations/v1/action_service_pb.ts";
import { runInBatches } from "../batches.ts";
import { examples } from "../examples.ts";
import { countOf } from "../format.ts";
import { countParked } from "../parked-count.ts";
import {
  addIntentOptions,
  addSelectionOptions,
  describeDryRun,
  type IntentOptions,
  type SelectionOptions,
  selectionsOf,
} from "../selection.ts";
import { withService } from "../session.ts";

type Options = SelectionOptions & IntentOptions;

/** `oms retry ACTION`: parked events are tried again. */
export function addRetry(program: Command): void {
  const command = program
    .command("retry")
    .description("has parked events of an Action tried again now, with a full round of attempts")
    .argument("<action>", "its name, see oms actions")
    .option("--all", "everything that it has parked");
  addIntentOptions(addSelectionOptions(command), "tried again", "optional");
  examples(command, [
    "oms retry settlement-push --all --dry-run",
    'oms retry e-invoice --error "mailbox full" --since 2h --reason "the provider is back"',
    "oms retry e-invoice --id 171203044-7 171203045-7",
  ]);
  command.action((action: string, options: Options) =>
    withService(command, async (session) => {
      const { all, id, operator, reason = "", dryRun = false } = options;
      const done = await runInBatches({
        what: dryRun ? "to be tried again" : "tried again",
        selections: selectionsOf(options, command),
        async perform(selection, pageToken) {
          const request = { action, ...selection, operator, reason, validateOnly: dryRun, pageToken };
          const { retriedCount, ...rest } = await session.actions.retryParked(request);
          return { ...rest, count: retriedCount };
        },
        async total(count) {
          if (all) {
            return (await countParked(session, action)) + (dryRun ? 0n : count);
          }
          return id && BigInt(id.length);
        },
      });
      const answer = create(RetryParkedResponseSchema, { retriedCount: done.count, samples: [...done.samples] });
      session.show(RetryParkedResponseSchema, answer, () =>
        dryRun
          ? describeDryRun("tried again", action, done)
          : `${countOf(done.count, "event")} of ${action} will be tried again now. How it goes: oms actions`,
      );
    }),
  );
}
