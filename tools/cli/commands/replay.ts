import { create } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import { ReplayResponseSchema } from "../../../gen/oms/operations/v1/action_service_pb.ts";
import { collect, PAGE_MAX, parseOrderId, parseTime } from "../args.ts";
import { runInBatches } from "../batches.ts";
import { examples } from "../examples.ts";
import { countOf } from "../format.ts";
import { addIntentOptions, chunksOf, describeDryRun, type IntentOptions } from "../selection.ts";
import { withService } from "../session.ts";

interface Options extends IntentOptions {
  readonly order?: readonly bigint[];
  readonly since?: Timestamp;
  readonly until?: Timestamp;
}

/** As the calls take it. */
type Selection = { readonly orderIds: bigint[] } | { readonly fromTime: Timestamp; readonly toTime: Timestamp };

/** Orders, or a time up to now; another choice is wrong usage. */
function selectionsOf({ order, since, until = parseTime("now") }: Options, command: Command): Selection[] {
  if (order !== undefined && since === undefined) {
    return chunksOf(order, PAGE_MAX).map((orderIds) => ({ orderIds }));
  }
  if (order === undefined && since !== undefined) {
    return [{ fromTime: since, toTime: until }];
  }
  return command.error("error: say which events: either --order, or --since (and --until, which is now unless given)");
}

/** `oms replay ACTION`: it gets every event that it asks for. */
export function addReplay(program: Command): void {
  const command = program
    .command("replay")
    .description(
      "sees to it that an Action gets every event that it asks for, of these orders or of this time, also those that it never heard of; what is DONE stays done",
    )
    .argument("<action>", "its name, see oms actions")
    .option("--order <order...>", "the events of these orders", collect(parseOrderId))
    .option("--since <time>", "events committed at this time or later: 30m, 2h, 3d ago, or ISO 8601", (text) =>
      parseTime(text),
    )
    .option("--until <time>", "events committed before this time (default: now)", (text) => parseTime(text));
  addIntentOptions(command, "replayed", "optional");
  examples(command, [
    "oms replay gift-record --order 171203044 171203045",
    'oms replay finance-push --since 3d --until 2h --reason "finance restored a backup" --dry-run',
  ]);
  command.action((action: string, options: Options) =>
    withService(command, async ({ actions, show }) => {
      const { operator, reason = "", dryRun = false } = options;
      const { count } = await runInBatches({
        what: dryRun ? "to be replayed" : "replayed",
        selections: selectionsOf(options, command),
        async perform(selection, pageToken) {
          const request = { action, ...selection, operator, reason, validateOnly: dryRun, pageToken };
          const { replayedCount, nextPageToken } = await actions.replay(request);
          return { count: replayedCount, samples: [], nextPageToken };
        },
        total: async () => undefined,
      });
      show(ReplayResponseSchema, create(ReplayResponseSchema, { replayedCount: count }), () =>
        dryRun
          ? describeDryRun("replayed", action, { count, samples: [] })
          : `${countOf(count, "event")} given to ${action}. How it goes: oms actions`,
      );
    }),
  );
}
