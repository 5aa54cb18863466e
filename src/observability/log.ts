import { type DestinationStream, type LevelWithSilent, type Logger, pino } from "pino";
import { PERSONAL_FIELDS, redactDatabaseValues } from "./redaction.ts";
import { shorten } from "./shorten.ts";
import { escapeUnprintable } from "./unprintable.ts";

export type { Logger } from "pino";

/** Maximum length of a text in a log line, in characters: clients send texts of any length. */
const MAX_TEXT_LENGTH = 2_000;

/** Creates a logger that writes one JSON object per line, with personal data redacted. */
export function createLogger(level: LevelWithSilent, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }), log: printable },
    serializers: { err: (error: Error) => printable(withoutStatement({ ...pino.stdSerializers.err(error) })) },
    redact: { paths: PERSONAL_FIELDS.flatMap((field) => [field, `*.${field}`]), censor: "***" },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

/** An error of a database driver without its statement, and without the values that it quotes. */
function withoutStatement({ sql, parameters, ...fields }: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === "string" ? redactDatabaseValues(value) : value,
    ]),
  );
}

/**
 * Shortens long texts, and escapes what JSON does not: control characters beyond ASCII and
 * bidirectional formatting.
 */
function printable(fields: Record<string, unknown>): Record<string, unknown> {
  let changed: Record<string, unknown> | undefined;
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === "string") {
      const text = shorten(value, MAX_TEXT_LENGTH).replace(BEYOND_ASCII, escapeUnprintable);
      if (text !== value) {
        changed ??= { ...fields };
        changed[name] = text;
      }
    }
  }
  return changed ?? fields;
}

const BEYOND_ASCII = /[\x7f-\uffff]+/g;
