import { type DestinationStream, type LevelWithSilent, type Logger, pino } from "pino";
import { PERSONAL_FIELDS } from "./redaction.ts";

export type { Logger } from "pino";

/** Creates a logger that writes one JSON object per line, with personal data redacted. */
export function createLogger(level: LevelWithSilent, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: PERSONAL_FIELDS.flatMap((field) => [field, `*.${field}`]), censor: "***" },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}
