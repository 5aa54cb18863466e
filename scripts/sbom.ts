/**
 * Writes the software bill of materials of what runs in production, in CycloneDX: every package of
 * the lockfile with its version, license and checksum, the pinned Node included. Needs no network.
 *
 *     npm run sbom [-- file]   default: sbom.json
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

interface Manifest {
  readonly name: string;
  readonly devDependencies?: unknown;
}

interface Lockfile {
  readonly packages: Readonly<Record<string, Manifest & { readonly dev?: boolean }>>;
}

/** Settings of the user must not omit the optional packages: Node is one of them. */
const OPTIONS = ["--package-lock-only", "--include=optional", "--no-workspaces", "--no-global", "--loglevel=error"];

const root = join(import.meta.dirname, "..");

function read<T>(file: string): T {
  return JSON.parse(readFileSync(join(root, file), "utf8")) as T;
}

/**
 * Copies the project's lockfile without the packages of development. `npm sbom --omit=dev` would
 * also omit packages of production that one of development uses as well.
 *
 * @returns the folder, whose name is that of the project: npm names the project by it
 */
function copyProduction(parent: string): string {
  const { devDependencies: _, ...manifest } = read<Manifest>("package.json");
  const lock = read<Lockfile>("package-lock.json");
  const { "": __, ...packages } = lock.packages;
  const production = Object.fromEntries(Object.entries(packages).filter(([, { dev }]) => dev !== true));
  const folder = join(parent, manifest.name);
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  writeFileSync(
    join(folder, "package-lock.json"),
    JSON.stringify({ ...lock, packages: { "": manifest, ...production } }),
  );
  copyFileSync(join(root, ".npmrc"), join(folder, ".npmrc"));
  return folder;
}

const { positionals } = parseArgs({ allowPositionals: true });
const [file = "sbom.json", ...others] = positionals;
if (others.length > 0) {
  throw new Error(`npm run sbom takes one file name, not also ${others.join(" ")}`);
}
const parent = mkdtempSync(join(tmpdir(), "oms-sbom-"));
try {
  // npm reports on standard error what is wrong with the lockfile.
  const sbom = execFileSync("npm", ["sbom", ...OPTIONS, "--sbom-format=cyclonedx", "--sbom-type=application"], {
    cwd: copyProduction(parent),
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const path = resolve(file);
  writeFileSync(path, sbom);
  const { components } = JSON.parse(sbom) as { readonly components: readonly unknown[] };
  console.error(`${path}: ${components.length} packages`);
} finally {
  rmSync(parent, { recursive: true, force: true });
}
