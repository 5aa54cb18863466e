import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram } from "../../tools/devstack/install.ts";

/**
 * Returns the path of promtool: from PATH, or extracted from Debian's package without installing it
 * (a hundred megabytes, and a service). It is cached in node_modules.
 *
 * @throws Error if neither is available
 */
export function ensurePromtool(): string {
  const folder = join(import.meta.dirname, "../../node_modules/.cache/promtool");
  const found = findProgram("promtool") ?? cached(folder);
  if (found !== undefined) {
    return found;
  }
  const work = mkdtempSync(join(tmpdir(), "oms-promtool-"));
  const run = (program: string, ...args: string[]) => execFileSync(program, args, { cwd: work, stdio: "pipe" });
  try {
    try {
      run("apt-get", "download", "prometheus");
    } catch {
      run("apt-get", "-o", "DPkg::Lock::Timeout=300", "update");
      run("apt-get", "download", "prometheus");
    }
    const archive = readdirSync(work).find((name) => name.endsWith(".deb")) as string;
    run("dpkg-deb", "--extract", archive, ".");
    mkdirSync(folder, { recursive: true });
    run("cp", "usr/bin/promtool", join(folder, `promtool.${process.pid}`));
    renameSync(join(folder, `promtool.${process.pid}`), join(folder, "promtool"));
  } catch (error) {
    throw new Error(`promtool is neither in PATH nor in the Debian package prometheus: ${error}`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return join(folder, "promtool");
}

function cached(folder: string): string | undefined {
  try {
    return readdirSync(folder).includes("promtool") ? join(folder, "promtool") : undefined;
  } catch {
    return undefined;
  }
}
