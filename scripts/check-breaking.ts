/**
 * Compares the contract with the one that landed last: clients in other languages are built on it.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");

function git(...args: string[]): string | undefined {
  const { status, stdout } = spawnSync("git", args, { cwd: root, encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

/** The branch main; on main itself the remote main, or else the last commit. */
function lastLanded(): string | undefined {
  const onMain = git("symbolic-ref", "--short", "HEAD") === "main";
  const candidates = onMain ? ["refs/remotes/origin/main", "HEAD"] : ["refs/heads/main", "refs/remotes/origin/main"];
  return candidates.find((ref) => git("ls-tree", ref, "proto/") !== undefined && git("ls-tree", ref, "proto/") !== "");
}

/**
 * A commit with the trailer `Contract-Baseline: <reason>` corrects the contract on purpose
 * (CHANGELOG.md lists how). Until it has landed, it is the baseline, so that everything after it is
 * still checked.
 */
function baseline(): string | undefined {
  const landed = lastLanded();
  const correction = git("log", "-1", "--grep=^Contract-Baseline:", "--format=%H");
  const isNewer = landed && correction && git("merge-base", "--is-ancestor", landed, correction) !== undefined;
  return isNewer ? correction : landed;
}

const landed = baseline();
if (landed === undefined) {
  console.log("skipped: no contract has landed on main yet");
} else {
  const before = mkdtempSync(join(tmpdir(), "oms-contract-"));
  try {
    // Without what the version does not have.
    const compiled = ["proto", "third_party", "buf.yaml"].filter((path) => git("ls-tree", landed, path) !== "");
    const archive = execFileSync("git", ["archive", landed, ...compiled], { cwd: root });
    execFileSync("tar", ["-x", "-C", before], { input: archive });
    cpSync(join(root, ".buf"), join(before, ".buf"), { recursive: true });
    const { status } = spawnSync("buf", ["breaking", "proto", "--against", join(before, "proto")], {
      cwd: root,
      stdio: "inherit",
    });
    process.exitCode = status === 0 ? 0 : 1;
  } finally {
    rmSync(before, { recursive: true, force: true });
  }
}
