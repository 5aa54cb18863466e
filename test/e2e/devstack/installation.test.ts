import { spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { type Registry, startRegistry, type TestPackage } from "./registry.ts";

const ROOT = join(import.meta.dirname, "../../..");
const PINNED = `node-${process.platform}-${process.arch}`;

/** Without the packages' programs: the npm and the Node of the machine. */
const PATH = (process.env.PATH ?? "")
  .split(delimiter)
  .filter((folder) => !folder.includes("node_modules"))
  .join(delimiter);

const PACKAGES: readonly TestPackage[] = [
  {
    manifest: {
      name: "in-production",
      version: "1.0.0",
      // A stricter requirement than the Node of npm meets.
      engines: { node: ">=1000" },
      scripts: { postinstall: "echo installed > postinstall-ran" },
    },
    files: {},
  },
  { manifest: { name: "in-development", version: "1.0.0" }, files: {} },
  // A build for another system, and what it requires on that system.
  {
    manifest: { name: "for-aix", version: "1.0.0", os: ["aix"], cpu: ["ppc64"], dependencies: { "in-aix": "1.0.0" } },
    files: {},
  },
  { manifest: { name: "in-aix", version: "1.0.0" }, files: {} },
  {
    manifest: {
      name: PINNED,
      version: "24.0.0",
      os: [process.platform],
      cpu: [process.arch],
      bin: { node: "bin/node" },
    },
    files: { "bin/node": { text: `#!/bin/sh\necho pinned\nexec "${process.execPath}" "$@"\n`, mode: 0o755 } },
  },
];

let folder: string;
let project: string;
let registry: Registry;

/** The fields of npm's lockfile. */
function lockEntry({ manifest }: TestPackage) {
  const { scripts, ...fields } = manifest as Record<string, unknown>;
  return {
    ...fields,
    name: undefined,
    integrity: registry.integrityOf(manifest.name),
    ...(scripts !== undefined && { hasInstallScript: true }),
    ...(manifest.name === "in-development" && { dev: true }),
    ...([PINNED, "for-aix", "in-aix"].includes(manifest.name) && { optional: true }),
  };
}

beforeAll(() => {
  folder = mkdtempSync(join(inject("folder"), "installation-"));
});

beforeEach(async () => {
  const scratch = mkdtempSync(join(folder, "registry-"));
  registry = await startRegistry(PACKAGES, scratch);
  project = mkdtempSync(join(folder, "project-"));
  mkdirSync(join(project, "scripts"));
  mkdirSync(join(project, "src"));
  for (const file of ["scripts/run.mjs", "scripts/service-flags.json", ".npmrc", ".node-version"]) {
    copyFileSync(join(ROOT, file), join(project, file));
  }
  writeFileSync(join(project, "src/main.ts"), 'console.log("started");\n');
  writeFileSync(join(project, "task.ts"), 'console.log("task", process.version);\n');
  const manifest = {
    name: "project",
    version: "1.0.0",
    type: "module",
    scripts: { start: "node scripts/run.mjs start", task: "node scripts/run.mjs task.ts" },
    dependencies: { "in-production": "1.0.0" },
    devDependencies: { "in-development": "1.0.0" },
    optionalDependencies: { "for-aix": "1.0.0", [PINNED]: "24.0.0" },
  };
  const packages = Object.fromEntries(PACKAGES.map((one) => [`node_modules/${one.manifest.name}`, lockEntry(one)]));
  writeFileSync(join(project, "package.json"), JSON.stringify(manifest));
  writeFileSync(
    join(project, "package-lock.json"),
    JSON.stringify({ name: "project", version: "1.0.0", lockfileVersion: 3, packages: { "": manifest, ...packages } }),
  );
  return () => registry.close();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs an npm script of the project as a user with these settings does. */
async function npm(args: readonly string[], settings: Readonly<Record<string, string>> = {}) {
  const inherited = Object.entries(process.env).filter(([name]) => !/^npm_|^NODE_ENV$|^VITEST/i.test(name));
  const child = spawn("npm", args, {
    cwd: project,
    env: {
      ...Object.fromEntries(inherited),
      PATH,
      npm_config_registry: registry.url,
      npm_config_cache: join(project, ".cache"),
      npm_config_fetch_retries: "0",
      ...settings,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  child.stdout.on("data", (bytes) => {
    out += bytes;
  });
  child.stderr.on("data", (bytes) => {
    err += bytes;
  });
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, out, err };
}

const isInstalled = (name: string) => existsSync(join(project, "node_modules", name));

/** Each test runs npm up to three times, which takes seconds on a busy machine. */
const TIMEOUT_MS = 120_000;

describe("a first npm script", { timeout: TIMEOUT_MS }, () => {
  it.each<Readonly<Record<string, string>>>([
    {
      npm_config_ignore_scripts: "true",
      npm_config_bin_links: "false",
      npm_config_engine_strict: "true",
      npm_config_omit: "optional",
      npm_config_install_strategy: "linked",
      npm_config_save_exact: "false",
      npm_config_package_lock: "false",
    },
    { npm_config_ignore_scripts: "false", npm_config_foreground_scripts: "true", npm_config_omit: "dev" },
    {
      NODE_ENV: "production",
      npm_config_dry_run: "true",
      npm_config_package_lock_only: "true",
      npm_config_json: "true",
    },
  ])("installs the lockfile without running scripts of packages: %o", async (settings) => {
    const { code, out } = await npm(["run", "task"], settings);
    expect({ code, out: out.split("\n").slice(-3) }).toEqual({
      code: 0,
      out: ["pinned", `task ${process.version}`, ""],
    });
    expect(["in-production", "in-development", PINNED].filter(isInstalled)).toHaveLength(3);
    expect(isInstalled("in-production/postinstall-ran")).toBe(false);
  });

  it.each([{ npm_config_omit: "dev" }, { NODE_ENV: "production" }])(
    "npm start omits the packages of development with %o; other commands add them",
    async (settings: Readonly<Record<string, string>>) => {
      const start = await npm(["start"], settings);
      expect({ code: start.code, started: start.out.includes("pinned\nstarted\n") }).toEqual({
        code: 0,
        started: true,
      });
      expect(isInstalled("in-development")).toBe(false);

      const again = await npm(["start"], settings);
      expect(again.err).not.toContain("Installing");

      expect((await npm(["run", "task"], settings)).code).toBe(0);
      expect(isInstalled("in-development")).toBe(true);
    },
  );

  it.each<[string, Readonly<Record<string, string>>, string]>([
    ["offline", { npm_config_offline: "true" }, "npm_config_offline=false"],
    ["min-release-age", { npm_config_min_release_age: "30" }, "npm_config_min_release_age=0"],
    ["an unreachable registry", { npm_config_registry: "http://127.0.0.1:1" }, "The npm registry is unreachable"],
    ["an unreachable proxy", { npm_config_proxy: "http://127.0.0.1:1" }, "npm config get proxy"],
  ])("explains what to do about %s", async (_, settings, remedy) => {
    const { code, err } = await npm(["run", "task"], settings);
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining(remedy) });
  });

  it("explains that the registry lacks a package", async () => {
    registry.remove("in-production");
    const { code, err } = await npm(["run", "task"]);
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining("The registry or proxy refuses a package") });
  });

  const altered = (name: string): TestPackage => {
    const { manifest } = PACKAGES.find((one) => one.manifest.name === name) as TestPackage;
    return { manifest, files: { "bin/node": { text: "#!/bin/sh\necho attacked\n", mode: 0o755 } } };
  };

  it("installs no package that differs from its checksum", async () => {
    registry.replace("in-production", altered("in-production"));
    const { code, err } = await npm(["run", "task"]);
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining("EINTEGRITY") });
    expect(err).toContain("not the one whose checksum is in package-lock.json");
  });

  it("runs no Node that differs from its checksum", async () => {
    registry.replace(PINNED, altered(PINNED));
    const { code, out, err } = await npm(["run", "task"]);
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining(`node_modules/${PINNED}`) });
    expect(out).not.toContain("attacked");
  });
});
