/**
 * Completes package-lock.json after `npm install`. If the registry lacks builds of a package for
 * other systems, npm omits them from the lockfile, and `npm ci` fails on those systems. Their
 * versions are given by their parents, their system by their names; without checksums npm accepts
 * them as they are.
 *
 *     node scripts/complete-lockfile.mjs           adds missing entries
 *     node scripts/complete-lockfile.mjs --check   fails if entries are missing
 */
import { readFileSync, writeFileSync } from "node:fs";

const FILE = new URL("../package-lock.json", import.meta.url);
const SYSTEMS = ["aix", "android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "openharmony", "sunos", "win32"];
const PROCESSORS = {
  aarch64: "arm64",
  arm: "arm",
  arm64: "arm64",
  armv7: "arm",
  ia32: "ia32",
  loong64: "loong64",
  ppc64: "ppc64",
  riscv64: "riscv64",
  s390x: "s390x",
  wasm32: "wasm32",
  x64: "x64",
};

/**
 * The lockfile entry of a build for one system.
 *
 * @param {string} name such as @scope/tool-linux-arm64-musl
 * @param {string} version
 * @param {boolean | undefined} dev
 */
function entryFor(name, version, dev) {
  const words = name.split(/[/-]/);
  const os = words.filter((word) => SYSTEMS.includes(word));
  const cpu = words.filter((word) => Object.hasOwn(PROCESSORS, word)).map((word) => PROCESSORS[word]);
  const libc = words.some((word) => word.startsWith("musl"))
    ? ["musl"]
    : words.some((word) => word.startsWith("gnu"))
      ? ["glibc"]
      : [];
  return {
    version,
    ...(cpu.length > 0 && { cpu }),
    ...(dev === true && { dev }),
    ...(os.includes("linux") && libc.length > 0 && { libc }),
    optional: true,
    ...(os.length > 0 && { os }),
  };
}

const lock = JSON.parse(readFileSync(FILE, "utf8"));
const missing = Object.entries(lock.packages).flatMap(([path, { dev, optionalDependencies = {} }]) =>
  Object.entries(optionalDependencies)
    .filter(([name]) => !(`node_modules/${name}` in lock.packages || `${path}/node_modules/${name}` in lock.packages))
    .map(([name, version]) => [`node_modules/${name}`, entryFor(name, version, dev)]),
);
const inexact = missing.filter(([, entry]) => !/^\d+\.\d+\.\d+[\w.+-]*$/.test(entry.version));
if (inexact.length > 0) {
  throw new Error(`without an exact version in their parents: ${inexact.map(([path]) => path).join(", ")}`);
}
if (process.argv.includes("--check")) {
  if (missing.length > 0) {
    console.error(
      `package-lock.json lacks ${missing.map(([path]) => path).join(", ")}: run node scripts/complete-lockfile.mjs`,
    );
    process.exitCode = 1;
  }
} else if (missing.length > 0) {
  const [root, ...rest] = [...Object.entries(lock.packages), ...missing];
  rest.sort(([a], [b]) => a.localeCompare(b, "en"));
  lock.packages = Object.fromEntries([root, ...rest]);
  writeFileSync(FILE, `${JSON.stringify(lock, null, 2)}\n`);
  console.log(`added ${missing.length} builds for other systems to package-lock.json`);
}
