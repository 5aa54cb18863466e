import { type RawBuilder, sql } from "kysely";
import { escape as escapeText } from "mysql2";

/** A value in the text of a statement. */
export type Literal = number | bigint | string | Date | Uint8Array | null;

/**
 * A value as SQL text, escaped. For statements with thousands of values, where building a query
 * with parameters would take longer than running it. Times are UTC, as the session's time zone.
 */
export function literal(value: Literal): string {
  switch (typeof value) {
    case "number":
    case "bigint":
      return String(value);
    case "string":
      return escapeText(value);
    default:
      return otherLiteral(value);
  }
}

function otherLiteral(value: Date | Uint8Array | null): string {
  if (value === null) {
    return "null";
  }
  return value instanceof Date
    ? `'${sqlTime(value)}'`
    : `x'${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("hex")}'`;
}

let lastTime = Number.NaN;
let lastText = "";

/** A time in UTC. Most times of a batch are equal, so the last one is cached. */
export function sqlTime(time: Date): string {
  const ms = time.getTime();
  if (ms !== lastTime) {
    lastText = time.toISOString().slice(0, 23).replace("T", " ");
    lastTime = ms;
  }
  return lastText;
}

/** `(columns) values (row), (row) …`; the column names must not come from input. */
export function valuesClause(columns: readonly string[], rows: readonly (readonly Literal[])[]): string {
  let text = `(${columns.join(",")}) values `;
  let separator = "(";
  for (const row of rows) {
    for (const value of row) {
      text += separator + literal(value);
      separator = ",";
    }
    separator = "),(";
  }
  return `${text})`;
}

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
