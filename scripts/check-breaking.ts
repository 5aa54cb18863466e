/** Holds the contract against the one that landed last: clients in other languages are built on it. */
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");

function git(...args: string[]): string | undefined {
  const { status, stdout } = spawnSync("git", args, { cwd: root, encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

/** The branch main, or, on main itself, what of it is elsewhere already, or else its last commit. */
function lastLanded(): string | undefined {
  const onMain = git("symbolic-ref", "--short", "HEAD") === "main";
  const candidates = onMain ? ["refs/remotes/origin/main", "HEAD"] : ["refs/heads/main", "refs/remotes/origin/main"];
  return candidates.find((ref) => git("ls-tree", ref, "proto/") !== undefined && git("ls-tree", ref, "proto/") !== "");
}

const landed = lastLanded();
if (landed === undefined) {
  console.log("skipped: no contract has landed on main yet");
} else {
  const before = mkdtempSync(join(tmpdir(), "oms-contract-"));
  try {
    const archive = execFileSync("git", ["archive", landed, "proto", "buf.yaml"], { cwd: root });
    execFileSync("tar", ["-x", "-C", before], { input: archive });
    cpSync(join(root, ".buf"), join(before, ".buf"), { recursive: true });
    const { status } = spawnSync("buf", ["breaking", "--against", before], { cwd: root, stdio: "inherit" });
    process.exitCode = status === 0 ? 0 : 1;
  } finally {
    rmSync(before, { recursive: true, force: true });
  }
}
