import { type Command, Option } from "commander";
import type { ActionEntry, EntryFilter } from "../../gen/oms/operations/v1/action_service_pb.ts";
import { collect, operatorOption, PAGE_MAX } from "./args.ts";
import { parkedTable } from "./entries.ts";
import { addFilterOptions, type FilterOptions, filterOf } from "./filter.ts";
import { countOf } from "./format.ts";

/** Which parked events of an Action are meant. */
export interface SelectionOptions extends FilterOptions {
  readonly all?: true;
  readonly id?: readonly string[];
}

/** Who does something for which reason, or whether it is only tried out. */
export interface IntentOptions {
  readonly dryRun?: true;
  readonly operator: string;
  readonly reason?: string;
}

/** The options that name events. */
export function addSelectionOptions(command: Command): Command {
  return addFilterOptions(command.option("--id <message-id...>", "these events", collect(String)));
}

/** The options that say who and why; what: "tried again", for example. */
export function addIntentOptions(command: Command, what: string, reason: "required" | "optional"): Command {
  return command
    .option("--dry-run", `says what would be ${what}; nothing changes`)
    .addOption(operatorOption())
    .addOption(
      new Option("--reason <why>", "kept with it, see oms interventions").makeOptionMandatory(reason === "required"),
    );
}

/** A selection as the calls take it. */
export type Selection = { readonly all: true } | { readonly messageIds: string[] } | { readonly filter: EntryFilter };

/** Exactly one way to name events, in as many calls as the ids take. Another number of ways is wrong usage. */
export function selectionsOf(options: SelectionOptions, command: Command): readonly Selection[] {
  const filter = filterOf(options);
  const given = [options.all, options.id, filter].filter((way) => way !== undefined).length;
  if (given !== 1) {
    const all = command.options.some(({ long }) => long === "--all") ? "--all, or " : "";
    command.error(
      `error: say which events: ${all}--id, or those that fit --error, --since, --until and --orders${given > 1 ? "; one of these ways, not several" : ""}`,
    );
  }
  return options.id !== undefined
    ? chunksOf(options.id, PAGE_MAX).map((messageIds) => ({ messageIds }))
    : [filter === undefined ? { all: true } : { filter }];
}

/** A list in portions of what a call takes at most. */
export function chunksOf<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, index) =>
    list.slice(index * size, (index + 1) * size),
  );
}

/** What a dry run says. */
export function describeDryRun(
  what: string,
  action: string,
  { count, samples }: { readonly count: bigint; readonly samples: readonly ActionEntry[] },
): string {
  const first = samples.length === 0 ? [] : [parkedTable(samples)];
  return [`${countOf(count, "event")} of ${action} would be ${what}; nothing has changed.`, ...first].join("\n\n");
}
