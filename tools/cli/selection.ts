import { create } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { type Command, Option } from "commander";
import {
  type ActionEntry,
  type EntryFilter,
  EntryFilterSchema,
} from "../../gen/oms/operations/v1/action_service_pb.ts";
import { collect, type OrderRange, operatorOption, PAGE_MAX, parseOrderRange, parseTime } from "./args.ts";
import { parkedTable } from "./entries.ts";
import { countOf } from "./format.ts";
import type { Session } from "./session.ts";

/** Options that filter parked events. */
export interface FilterOptions {
  readonly error?: string;
  readonly since?: Timestamp;
  readonly until?: Timestamp;
  readonly orders?: OrderRange;
}

/** Options that select parked events of an Action. */
export interface SelectionOptions extends FilterOptions {
  readonly all?: true;
  readonly id?: readonly string[];
}

/** Options of an intervention. */
export interface InterventionOptions {
  readonly dryRun?: true;
  readonly operator: string;
  readonly reason?: string;
}

export function addFilterOptions(command: Command): Command {
  return command
    .option("--error <text>", "events whose last error contains this text, ignoring case")
    .option("--since <time>", "events committed at or after this time: an age (30m, 2h, 3d) or ISO 8601", (text) =>
      parseTime(text),
    )
    .option("--until <time>", "events committed before this time", (text) => parseTime(text))
    .option("--orders <from-to>", "events of orders with these ids: 100-200, 100-, -200", parseOrderRange);
}

export function addSelectionOptions(command: Command): Command {
  return addFilterOptions(
    command
      .option("--all", "all its parked events")
      .option("--id <message-id...>", "events with these message ids", collect(String)),
  );
}

/** @param what what happens to the events, for example "retried" */
export function addInterventionOptions(command: Command, what: string, reason: "required" | "optional"): Command {
  return command
    .option("--dry-run", `show what would be ${what}, without changing anything`)
    .addOption(operatorOption())
    .addOption(
      new Option("--reason <text>", "reason, recorded with the change (oms interventions)").makeOptionMandatory(
        reason === "required",
      ),
    );
}

/** The filter that the options describe; undefined without any. */
export function filterOf({ error, since, until, orders }: FilterOptions): EntryFilter | undefined {
  if (error === undefined && since === undefined && until === undefined && orders === undefined) {
    return undefined;
  }
  return create(EntryFilterSchema, {
    ...(error !== undefined && { errorContains: error }),
    ...(since !== undefined && { fromTime: since }),
    ...(until !== undefined && { toTime: until }),
    ...orders,
  });
}

/** A selection as the RPCs take it. */
export type Selection = { readonly all: true } | { readonly messageIds: string[] } | { readonly filter: EntryFilter };

/**
 * The selections, in as many calls as the ids require. Not exactly one way to select is a usage
 * error.
 */
export function selectionsOf(options: SelectionOptions, command: Command): readonly Selection[] {
  const filter = filterOf(options);
  const given = [options.all, options.id, filter].filter((way) => way !== undefined).length;
  if (given !== 1) {
    const filters = "--error, --since, --until and --orders";
    command.error(
      given === 0
        ? `error: select the events with --all, --id, or a filter of ${filters}`
        : `error: --all, --id and the filters (${filters}) exclude each other`,
    );
  }
  return options.id !== undefined
    ? chunksOf(options.id, PAGE_MAX).map((messageIds) => ({ messageIds }))
    : [filter === undefined ? { all: true } : { filter }];
}

/** Number of selected events if it is known; undefined for a filter. */
export async function countSelected(
  session: Session,
  action: string,
  { all, id, dryRun }: SelectionOptions & Pick<InterventionOptions, "dryRun">,
  done: bigint,
): Promise<bigint | undefined> {
  if (all !== true) {
    return id && BigInt(id.length);
  }
  const { actions } = await session.actions.listActions({});
  const parked = actions.find(({ name }) => name === action)?.parked ?? 0n;
  return parked + (dryRun ? 0n : done);
}

/** Splits a list into chunks of at most `size` items. */
export function chunksOf<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, index) =>
    list.slice(index * size, (index + 1) * size),
  );
}

/** The output of a dry run. */
export function describeDryRun(
  what: string,
  action: string,
  { count, samples }: { readonly count: bigint; readonly samples: readonly ActionEntry[] },
): string {
  const table = samples.length === 0 ? [] : [parkedTable(samples)];
  return [`Dry run: ${countOf(count, "event")} of ${action} would be ${what}.`, ...table].join("\n\n");
}
