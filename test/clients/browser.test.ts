import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { build } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { OrderStatus } from "../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { codeBlocks } from "../../scripts/docs/markdown.ts";
import { shellCommands } from "../../scripts/docs/shell.ts";
import { Status } from "../../src/domain/state-machine.ts";
import { eventually } from "../support/eventually.ts";
import { insertOrderWithId } from "../support/orders.ts";
import { useService } from "../support/service.ts";
import { ROOT, run } from "./toolchain.ts";

const served = useService();

/** The order in the example. */
const ORDER = 171_203_044n;

/** Outside the repository, so that nothing resolves to its packages. */
const project = mkdtempSync(join(tmpdir(), "oms-page-"));
afterAll(() => rmSync(project, { recursive: true, force: true }));

/** The packages that the document installs, at the versions that are tested here. */
function packagesOf(commands: string): string[] {
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const install = shellCommands(commands).find(({ words: [npm, command] }) => npm === "npm" && command === "install");
  // Packages of Connect are released together.
  return (install?.words.slice(2) ?? []).map(
    (name) => `${name}@${dependencies[name] ?? dependencies["@connectrpc/connect"]}`,
  );
}

const TYPESCRIPT = {
  compilerOptions: {
    target: "es2022",
    lib: ["es2022", "dom", "dom.iterable"],
    module: "esnext",
    moduleResolution: "bundler",
    allowImportingTsExtensions: true,
    types: [],
    strict: true,
    skipLibCheck: true,
    noEmit: true,
  },
  include: ["page.ts"],
};

beforeAll(async () => {
  const blocks = codeBlocks(readFileSync(join(ROOT, "docs", "clients.md"), "utf8"));
  const page = blocks.find(({ language, code }) => language === "ts" && code.includes("@connectrpc/connect-web"));
  const install = blocks.find(({ language, code }) => language === "sh" && code.includes("@connectrpc/connect-web"));
  const baseUrl = `http://127.0.0.1:${served.service.httpPort}`;
  cpSync(join(ROOT, "gen"), join(project, "gen"), { recursive: true });
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "page", private: true, type: "module" }));
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify(TYPESCRIPT));
  writeFileSync(join(project, "page.ts"), page?.code.replace("http://localhost:8080", baseUrl) ?? "");
  const options = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"];
  await run("npm", ["install", "--prefix", project, ...options, ...packagesOf(install?.code ?? "")], { cwd: project });
}, 300_000);

test("the example for browsers compiles with the packages that the document names", async () => {
  const output = await run(join(ROOT, "node_modules", ".bin", "tsc"), [
    "--project",
    project,
    "--pretty",
    "false",
  ]).catch(({ stdout }: { readonly stdout: string }) => stdout);
  expect(output).toBe("");
});

test("its bundle needs nothing else, and calls the service", async () => {
  const warnings: unknown[] = [];
  await build({
    root: project,
    configFile: false,
    logLevel: "silent",
    build: {
      rolldownOptions: {
        input: join(project, "page.ts"),
        output: { entryFileNames: "page.js" },
        onwarn: (warning) => void warnings.push(warning.message),
      },
    },
  });
  expect(warnings).toEqual([]);
  const bundle = join(project, "dist", "page.js");
  expect(readFileSync(bundle, "utf8")).not.toMatch(/\bfrom\s*["']|\bimport\s*["'(]|\brequire\(/);

  await insertOrderWithId(served.db, ORDER, Status.CREATED);
  const page = spawn(process.execPath, [bundle], { stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: page.stdout })[Symbol.asyncIterator]();
  try {
    expect(await lines.next()).toMatchObject({ value: `${Status.CREATED} 0n` });
    await eventually(async () => {
      const metrics = await (await fetch(`http://127.0.0.1:${served.service.httpPort}/metrics`)).text();
      expect(metrics).toMatch(/^oms_watchers 1$/m);
    });
    await served
      .client("Connect JSON")
      .updateOrderStatus({ orderId: ORDER, status: OrderStatus.PAID, operator: "test" });
    expect(await lines.next()).toMatchObject({ value: `${Status.PAID} 1n` });
  } finally {
    page.kill();
    await once(page, "close");
  }
});
