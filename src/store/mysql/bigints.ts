import type { FieldPacket } from "mysql2";

/** Number of the column type in the protocol. */
const BIGINT = 8;

/**
 * Turns BIGINT columns into bigint. Done per column: the driver's hook is called for each value of
 * each type, which costs more than reading the row.
 */
export function toBigInts(rows: readonly Record<string, unknown>[], fields: readonly FieldPacket[]): void {
  for (const { name, columnType } of fields) {
    if (columnType === BIGINT) {
      for (const row of rows) {
        const text = row[name];
        row[name] = text === null ? null : BigInt(text as string);
      }
    }
  }
}
