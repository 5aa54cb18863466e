import { type RawBuilder, sql } from "kysely";
import { type Literal, literal } from "./literals.ts";

/** `(1,2,3)` for `in`: a thousand ids as parameters take longer to build than to look up. Needs at least one. */
export function idList(ids: readonly bigint[]): RawBuilder<bigint> {
  return sql.raw(`(${ids.join(",")})`);
}

/** A value in place of a parameter: the driver searches the whole text for the places of parameters, long lists too. */
export function inlineLiteral<T extends Literal>(value: T): RawBuilder<T> {
  return sql.raw(literal(value));
}

/** As `idList`. */
export function textList(texts: readonly string[]): RawBuilder<string> {
  return sql.raw(`(${texts.map(literal).join(",")})`);
}
