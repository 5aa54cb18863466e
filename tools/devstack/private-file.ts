import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";

/** Writes a file that only this user can read and write, atomically. */
export function writePrivateFile(path: string, text: string): void {
  const fresh = `${path}.new`;
  // The mode applies to new files only: one left behind could be readable by others.
  rmSync(fresh, { force: true });
  writeFileSync(fresh, text, { mode: 0o600 });
  renameSync(fresh, path);
}

/** Creates a folder, or changes an existing one, that only this user can enter. */
export function makePrivateFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  chmodSync(path, 0o700);
}
