import { create } from "@bufbuild/protobuf";
import type { Command } from "commander";
import { RetryParkedResponseSchema } from "../../../gen/oms/operations/v1/action_service_pb.ts";
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

type Options = SelectionOptions & InterventionOptions;

/** `oms retry ACTION`: retries parked events. */
export function addRetry(program: Command): void {
  const command = program
    .command("retry")
    .description("retry parked events of an Action now, with the full number of attempts")
    .argument("<action>", "name of the Action, as in oms actions");
  addInterventionOptions(addSelectionOptions(command), "retried", "optional");
  examples(command, [
    "oms retry settlement-push --all --dry-run",
    'oms retry e-invoice --error "mailbox full" --since 2h --reason "the provider is back"',
    "oms retry e-invoice --id 171203044-7 171203045-7",
  ]);
  command.action((action: string, options: Options) =>
    withService(command, async (session) => {
      const { operator, reason = "", dryRun = false } = options;
      const done = await runInBatches({
        what: dryRun ? "to be retried" : "retried",
        selections: selectionsOf(options, command),
        async perform(selection, pageToken) {
          const request = { action, ...selection, operator, reason, validateOnly: dryRun, pageToken };
          const { retriedCount, ...rest } = await session.actions.retryParked(request);
          return { ...rest, count: retriedCount };
        },
        total: (count) => countSelected(session, action, options, count),
      });
      const answer = create(RetryParkedResponseSchema, { retriedCount: done.count, samples: [...done.samples] });
      session.show(RetryParkedResponseSchema, answer, () =>
        dryRun
          ? describeDryRun("retried", action, done)
          : `${countOf(done.count, "event")} of ${action} will be retried now. To follow the progress: oms actions`,
      );
    }),
  );
}
