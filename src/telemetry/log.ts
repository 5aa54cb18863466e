import { type DestinationStream, type LevelWithSilent, type Logger, pino } from "pino";

export type { Logger } from "pino";

/** Fields that are personal data: never written, whatever holds them. */
const MASKED = ["invoiceEmail", "invoiceTitle", "taxPayerCode", "taxCode", "email", "phone"];

/** Structured logs, one JSON object a line, without personal data. */
export function createLogger(level: LevelWithSilent, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: MASKED.flatMap((field) => [field, `*.${field}`]), censor: "***" },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}
