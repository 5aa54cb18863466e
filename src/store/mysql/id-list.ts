import { type RawBuilder, sql } from "kysely";
import { type Literal, literal } from "./literals.ts";

/**
 * `(1,2,3)` for `in`, of at least one id: a thousand parameters take longer to build than to look
 * up.
 */
export function idList(ids: readonly bigint[]): RawBuilder<bigint> {
  return sql.raw(`(${ids.join(",")})`);
}

/**
 * A value in place of a parameter: with parameters the driver searches the whole text, including
 * long lists.
 */
export function inlineLiteral<T extends Literal>(value: T): RawBuilder<T> {
  return sql.raw(literal(value));
}

/** `('a','b')` for `in`, of at least one text. */
export function textList(texts: readonly string[]): RawBuilder<string> {
  return sql.raw(`(${texts.map(literal).join(",")})`);
}
