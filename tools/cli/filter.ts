import { create } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import { type EntryFilter, EntryFilterSchema } from "../../gen/oms/operations/v1/action_service_pb.ts";
import { type OrderRange, parseOrderRange, parseTime } from "./args.ts";

/** Which parked events are meant. */
export interface FilterOptions {
  readonly error?: string;
  readonly since?: Timestamp;
  readonly until?: Timestamp;
  readonly orders?: OrderRange;
}

/** The options that make an EntryFilter. */
export function addFilterOptions(command: Command): Command {
  return command
    .option("--error <text>", "whose last error contains this text, in any case")
    .option("--since <time>", "committed at this time or later: 30m, 2h, 3d ago, or ISO 8601", (text) =>
      parseTime(text),
    )
    .option("--until <time>", "committed before this time", (text) => parseTime(text))
    .option("--orders <from-to>", "of orders with these ids: 100-200, 100-, -200", parseOrderRange);
}

/** The filter that the options make; undefined where none is given. */
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
