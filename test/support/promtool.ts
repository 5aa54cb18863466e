import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram } from "../../tools/devstack/programs.ts";

/**
 * Prometheus' own tool: the one on the path, else out of Debian's package, of which nothing is
 * installed (the whole of it would be a hundred megabytes, and a service that starts by itself). It
 * is kept beside the packages for the next run.
 *
 * @throws Error where there is neither
 */
export function ensurePromtool(): string {
  const folder = join(import.meta.dirname, "../../node_modules/.cache/promtool");
  const found = findProgram("promtool") ?? kept(folder);
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
    throw new Error(`promtool is not on the path, and could not be had from Debian's package prometheus: ${error}`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return join(folder, "promtool");
}

function kept(folder: string): string | undefined {
  try {
    return readdirSync(folder).includes("promtool") ? join(folder, "promtool") : undefined;
  } catch {
    return undefined;
  }
}
