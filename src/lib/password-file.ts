import { readFileSync } from "node:fs";

/** Returns the current password. Called for each new connection. */
export type PasswordReader = () => string;

/**
 * Reads a password from a file now, and again at each call, so that it can be rotated without a
 * restart. Without the file's final line break. While the file is missing or empty, as during a
 * replacement, the last password is returned.
 *
 * @throws Error if the file cannot be read now, or is empty
 */
export function openPasswordFile(path: string): PasswordReader {
  let last = readPassword(path);
  return () => {
    try {
      last = readPassword(path);
    } catch {
      // The server rejects the last password if it is not valid any more.
    }
    return last;
  };
}

function readPassword(path: string): string {
  const password = readFileSync(path, "utf8").replace(/\r?\n$/, "");
  if (password === "") {
    throw new Error("it is empty");
  }
  return password;
}
