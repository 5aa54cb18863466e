import { create } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import { ReplayResponseSchema } from "../../../gen/oms/operations/v1/action_service_pb.ts";
import { collect, examples, PAGE_MAX, parseOrderId, parseTime } from "../args.ts";
import { countOf } from "../format.ts";
import { runInBatches } from "../paging.ts";
import { addInterventionOptions, chunksOf, describeDryRun, type InterventionOptions } from "../selection.ts";
import { withService } from "../session.ts";

interface Options extends InterventionOptions {
  readonly order?: readonly bigint[];
  readonly since?: Timestamp;
  readonly until?: Timestamp;
}

/** A selection as the RPC takes it. */
type Selection = { readonly orderIds: bigint[] } | { readonly fromTime: Timestamp; readonly toTime: Timestamp };

/** Orders, or a period that ends now by default. Anything else is a usage error. */
function selectionsOf({ order, since, until = parseTime("now") }: Options, command: Command): Selection[] {
  if (order !== undefined && since === undefined) {
    return chunksOf(order, PAGE_MAX).map((orderIds) => ({ orderIds }));
  }
  if (order === undefined && since !== undefined) {
    return [{ fromTime: since, toTime: until }];
  }
  return command.error("error: select the events with either --order, or --since (and --until, default: now)");
}

/** `oms replay ACTION`: delivers matching events again, except DONE ones. */
export function addReplay(program: Command): void {
  const command = program
    .command("replay")
    .description(
      "deliver all matching events of some orders or a period to an Action, including ones it never received; DONE events stay done",
    )
    .argument("<action>", "name of the Action, as in oms actions")
    .option("--order <order...>", "events of these orders", collect(parseOrderId))
    .option("--since <time>", "events committed at or after this time: an age (30m, 2h, 3d) or ISO 8601", (text) =>
      parseTime(text),
    )
    .option("--until <time>", "events committed before this time (default: now)", (text) => parseTime(text));
  addInterventionOptions(command, "replayed", "optional");
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
          : `${countOf(count, "event")} replayed to ${action}. To follow its progress: oms actions`,
      );
    }),
  );
}
