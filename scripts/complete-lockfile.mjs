/**
 * Brings package-lock.json up to date with package.json, and completes it. For a build for another
 * system that the registry did not offer at that moment, npm writes no entry, or one without a
 * checksum: `npm ci` fails on that system, or installs an unverified package. What is missing is
 * read with `npm view`. Resolving depends on the version of Node: use the pinned one.
 *
 *     npm run lockfile                                    updates and completes package-lock.json
 *     node scripts/complete-lockfile.mjs --check [file]   fails if it is incomplete; is offline
 */
import { execFile, execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";

/** Concurrent requests to the registry. */
const CONCURRENCY = 4;

/** Checksums that npm verifies; SHA-1, of old registries, can be forged. */
const CHECKSUM = /^sha(?:256|384|512)-[A-Za-z0-9+/]+=*$/;

/**
 * @typedef {object} Entry a package in the lockfile
 * @property {string} [version]
 * @property {string} [integrity]
 * @property {string} [name] if it differs from the path
 * @property {boolean} [link]
 * @property {boolean} [dev]
 * @property {boolean} [optional]
 * @property {Record<string, string>} [optionalDependencies]
 */

/**
 * Entries that npm omitted: packages that others name as optional.
 *
 * @param {Record<string, Entry>} packages
 * @returns {[path: string, entry: Entry][]}
 */
function missingEntries(packages) {
  return Object.entries(packages).flatMap(([parent, { dev, optionalDependencies = {} }]) =>
    Object.entries(optionalDependencies)
      .filter(([name]) => !(`node_modules/${name}` in packages || `${parent}/node_modules/${name}` in packages))
      .map(([name, version]) => [`node_modules/${name}`, { version, dev, optional: true }]),
  );
}

/**
 * Entries without a checksum. Links lead into the repository and have none.
 *
 * @param {Record<string, Entry>} packages
 */
function unverifiedEntries(packages) {
  return Object.entries(packages).filter(
    ([path, { link, integrity = "" }]) =>
      path !== "" && !link && !integrity.split(" ").some((sum) => CHECKSUM.test(sum)),
  );
}

const toList = (value) => (value === undefined ? undefined : [value].flat());

/**
 * The entry of a package, as npm writes it.
 *
 * @param {string} path
 * @param {Entry} entry
 */
async function complete(path, { version, name = path.split("node_modules/").at(-1), dev, optional }) {
  if (!/^\d+\.\d+\.\d+[\w.+-]*$/.test(version ?? "")) {
    throw new Error(`${path}: ${version} is not an exact version; pin it where it is required`);
  }
  const { stdout } = await promisify(execFile)("npm", ["view", `${name}@${version}`, "--json"], {
    maxBuffer: 16 * 1024 * 1024,
  });
  const { dist, cpu, libc, license, os, dependencies, bin, engines, scripts = {} } = JSON.parse(stdout);
  if (!CHECKSUM.test(dist.integrity)) {
    throw new Error(`${path}: the registry has no SHA-2 checksum of ${name}@${version}`);
  }
  const hasInstallScript = ["preinstall", "install", "postinstall"].some((step) => step in scripts);
  return {
    version,
    integrity: dist.integrity,
    cpu: toList(cpu),
    dev,
    ...(hasInstallScript && { hasInstallScript }),
    libc: toList(libc),
    license,
    optional,
    os: toList(os),
    dependencies,
    bin,
    engines,
  };
}

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const { values, positionals } = parseArgs({ options: { check: { type: "boolean" } }, allowPositionals: true });
const [file = join(ROOT, "package-lock.json")] = positionals;
if (!values.check) {
  execFileSync("npm", ["install", "--package-lock-only", "--ignore-scripts"], { cwd: ROOT, stdio: "inherit" });
}
const lock = JSON.parse(readFileSync(file, "utf8"));
const missing = missingEntries(lock.packages);
const unverified = unverifiedEntries(lock.packages);
if (values.check) {
  for (const [paths, fault] of [
    [missing, "is required, but has no entry"],
    [unverified, "has no checksum"],
  ]) {
    for (const [path] of paths) {
      console.error(`package-lock.json: ${path} ${fault}: run npm run lockfile`);
    }
  }
  process.exitCode = missing.length + unverified.length === 0 ? 0 : 1;
} else if (missing.length + unverified.length > 0) {
  const incomplete = [...missing, ...unverified];
  const waiting = incomplete.values();
  await Promise.all(
    Array.from({ length: CONCURRENCY }, async () => {
      for (const [path, entry] of waiting) {
        lock.packages[path] = await complete(path, entry);
      }
    }),
  );
  const [root, ...rest] = Object.entries(lock.packages);
  rest.sort(([a], [b]) => a.localeCompare(b, "en"));
  lock.packages = Object.fromEntries([root, ...rest]);
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
  console.log(`completed ${incomplete.length} entries of package-lock.json`);
}
