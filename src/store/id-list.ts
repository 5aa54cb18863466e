import { type RawBuilder, sql } from "kysely";

/** `(1,2,3)` for `in`: a thousand ids as parameters take longer to build than to look up. Needs at least one. */
export function idList(ids: readonly bigint[]): RawBuilder<bigint> {
  return sql.raw(`(${ids.join(",")})`);
}
