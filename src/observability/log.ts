import { type DestinationStream, type LevelWithSilent, type Logger, pino } from "pino";
import { PERSONAL_FIELDS } from "./redaction.ts";
import { shorten } from "./shorten.ts";

export type { Logger } from "pino";

/** Maximum length of a text in a log line, in characters: clients send texts of any length. */
const MAX_TEXT_LENGTH = 2_000;

/** Creates a logger that writes one JSON object per line, with personal data redacted. */
export function createLogger(level: LevelWithSilent, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }), log: shortenTexts },
    serializers: { err: (error: Error) => shortenTexts({ ...pino.stdSerializers.err(error) }) },
    redact: { paths: PERSONAL_FIELDS.flatMap((field) => [field, `*.${field}`]), censor: "***" },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

function shortenTexts(fields: Record<string, unknown>): Record<string, unknown> {
  if (!Object.values(fields).some((value) => typeof value === "string" && value.length > MAX_TEXT_LENGTH)) {
    return fields;
  }
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === "string" ? shorten(value, MAX_TEXT_LENGTH) : value,
    ]),
  );
}
