import { readFileSync } from "node:fs";
import type { Logger } from "../../observability/log.ts";

/** How often a file is looked at, in milliseconds. By its content, as a mounted secret changes behind a link. */
const LOOK_MS = 2_000;

/** A file that the service cannot begin without: the message names it, and says why it is of no use. */
export class UnusableFileError extends Error {
  override readonly name = "UnusableFileError";
}

/** What is made of a file's content, and made anew when the file changes. */
export interface WatchedFile<T> {
  readonly value: T;
  close(): void;
}

/**
 * Reads a file, and again when its content changes. A content that cannot be used changes nothing, and is told to the log once.
 *
 * @param read makes something of the content; throws where it cannot be used
 * @throws Error that names the file, where its first content cannot be used
 */
export function watchFile<T>(path: string, read: (text: string) => T, log: Logger): WatchedFile<T> {
  return watchFiles([path], ([text = ""]) => read(text), log);
}

/** The same for files that make sense together only: as long as they do not fit each other, nothing changes. */
export function watchFiles<T>(
  paths: readonly string[],
  read: (texts: readonly string[]) => T,
  log: Logger,
): WatchedFile<T> {
  const readAll = () => paths.map((path) => readFileSync(path, "utf8"));
  const file = paths.join(", ");
  let texts: readonly string[];
  let value: T;
  try {
    texts = readAll();
    value = read(texts);
  } catch (error) {
    throw new UnusableFileError(`${file}: ${(error as Error).message}`);
  }
  let told = "";

  const look = () => {
    try {
      const now = readAll();
      if (now.some((text, index) => text !== texts[index])) {
        value = read(now);
        texts = now;
        log.info({ file }, "read again: it has changed");
      }
      told = "";
    } catch (error) {
      const { message } = error as Error;
      if (message !== told) {
        told = message;
        log.error({ file, reason: message }, "cannot be used: what it said before goes on");
      }
    }
  };
  const timer = setInterval(look, LOOK_MS).unref();

  return {
    get value() {
      return value;
    },
    close: () => clearInterval(timer),
  };
}
