import { readFileSync } from "node:fs";
import type { Logger } from "../../observability/log.ts";

/**
 * Interval between checks of a file's content, in milliseconds. A mounted secret changes behind a
 * symbolic link.
 */
const CHECK_INTERVAL_MS = 2_000;

/** A file needed to start cannot be used. The message names it, and the reason. */
export class UnusableFileError extends Error {
  override readonly name = "UnusableFileError";
}

/** The value parsed from a file, updated when the file changes. */
export interface WatchedFile<T> {
  readonly value: T;
  close(): void;
}

/**
 * Loads a file, and reloads it when its content changes. An unusable new content is logged once;
 * the previous value stays in use.
 *
 * @param parse throws for unusable content
 * @throws UnusableFileError when the initial content is unusable
 */
export function watchFile<T>(path: string, parse: (text: string) => T, log: Logger): WatchedFile<T> {
  return watchFiles([path], ([text = ""]) => parse(text), log);
}

/** The same for files that belong together: reloaded only when they are consistent. */
export function watchFiles<T>(
  paths: readonly string[],
  parse: (texts: readonly string[]) => T,
  log: Logger,
): WatchedFile<T> {
  const readAll = () => paths.map((path) => readFileSync(path, "utf8"));
  const file = paths.join(", ");
  let texts: readonly string[];
  let value: T;
  try {
    texts = readAll();
    value = parse(texts);
  } catch (error) {
    throw new UnusableFileError(`${file}: ${(error as Error).message}`);
  }
  let lastFailure = "";

  const check = () => {
    try {
      const current = readAll();
      if (current.some((text, index) => text !== texts[index])) {
        value = parse(current);
        texts = current;
        log.info({ file }, "file reloaded");
      }
      lastFailure = "";
    } catch (error) {
      const { message } = error as Error;
      if (message !== lastFailure) {
        lastFailure = message;
        log.error({ file, reason: message }, "file unusable; the previous content stays in use");
      }
    }
  };
  const timer = setInterval(check, CHECK_INTERVAL_MS).unref();

  return {
    get value() {
      return value;
    },
    close: () => clearInterval(timer),
  };
}
