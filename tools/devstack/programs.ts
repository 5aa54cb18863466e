import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Where servers live although they are not on everybody's PATH (Debian keeps them out of the PATH of a plain user). */
const ALSO = ["/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin", "/opt/homebrew/sbin"];

/** The path of a program of that name, where there is one that we may run. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(delimiter), ...ALSO];
  return folders
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
