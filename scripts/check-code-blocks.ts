/**
 * Checks every code block of the documents: TypeScript compiles, JSON and YAML parse, shell
 * commands name scripts, RPCs and JSON bodies that exist, and examples in other languages name only
 * what the contract has. `npx oms` commands are checked by test/unit/docs/commands.test.ts, PromQL
 * by scripts/check-observability.ts.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { callFaults, unknownNames } from "./docs/contract-names.ts";
import { type CodeBlock, codeBlocks, documents } from "./docs/markdown.ts";
import { brokenContinuations, shellCommands } from "./docs/shell.ts";

const root = join(import.meta.dirname, "..");

interface Located extends CodeBlock {
  readonly file: string;
}

let found = 0;
function report(file: string, line: number, fault: string): void {
  found += 1;
  console.error(`${file}:${line}: ${fault}`);
}

const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  readonly scripts: Readonly<Record<string, string>>;
};

/** npm's own commands that examples use. */
const NPM_COMMANDS = new Set(["ci", "install", "sbom"]);

function npmFault([command = "", name = ""]: readonly string[]): string | undefined {
  const script = command === "run" ? name : command;
  return script in scripts || NPM_COMMANDS.has(script) ? undefined : `npm ${command} ${name}: no such script`;
}

function shellFaults([program, ...args]: readonly string[]): string[] {
  switch (program) {
    case "npm":
      return [npmFault(args)].filter((fault) => fault !== undefined);
    case "node": {
      const [script = "", target = ""] = args.filter((word) => !word.startsWith("-"));
      const missing = [script, target].filter((path) => /\.(?:ts|mjs)$/.test(path) && !existsSync(join(root, path)));
      const command =
        script === "scripts/run.mjs" && target !== "" && !/\.(?:ts|mjs)$/.test(target) ? target : undefined;
      return [
        ...missing.map((path) => `${path} does not exist`),
        ...(command === undefined || command in scripts ? [] : [`scripts/run.mjs has no command ${command}`]),
      ];
    }
    case "curl":
    case "grpcurl":
      return callFaults(args);
    case "npx":
      return args[0] === "buf" ? callFaults(args) : [];
    default:
      return [];
  }
}

function parseFault(parser: (text: string) => unknown, code: string): string[] {
  try {
    parser(code);
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

/** Languages with their checks; blocks of TypeScript are compiled together. */
const CHECKS: Readonly<Record<string, (block: CodeBlock) => readonly (readonly [number, string])[]>> = {
  sh: ({ code, line }) => [
    ...shellCommands(code).flatMap((command) =>
      shellFaults(command.words).map((fault) => [line + 1 + command.line, fault] as const),
    ),
    ...brokenContinuations(code).map(
      (index) => [line + 1 + index, "a comment or blank line after a backslash ends the command"] as const,
    ),
  ],
  // One document, or one per line.
  json: ({ code, line }) =>
    (/^\{.*\}$/.test(code.split("\n")[0] ?? "") ? code.trim().split("\n") : [code])
      .flatMap((document) => parseFault(JSON.parse, document))
      .map((fault) => [line, fault]),
  yaml: ({ code, line }) => parseFault(parse, code).map((fault) => [line, fault]),
  java: namesFault,
  go: namesFault,
  python: namesFault,
  ts: () => [],
  // Pictures, output and generated diagrams; SQL and PromQL have checks and tests of their own.
  "": () => [],
  text: () => [],
  mermaid: () => [],
  sql: () => [],
  promql: () => [],
};

function namesFault({ code, line }: CodeBlock): (readonly [number, string])[] {
  return unknownNames(code).map((name) => [line, `the contract has no ${name}`]);
}

/** Typed as in the package, which only browsers need and which is not installed. */
const CONNECT_WEB = `declare module "@connectrpc/connect-web" {
  import type { Transport } from "@connectrpc/connect";
  export function createConnectTransport(options: { readonly baseUrl: string }): Transport;
}
`;

/** Compiles the blocks in a folder of the repository, so that packages and \`./gen/\` resolve. */
function compile(blocks: readonly Located[]): void {
  const folder = mkdtempSync(join(root, ".code-blocks-"));
  try {
    const options = { noUnusedLocals: false };
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({ extends: "../tsconfig.json", compilerOptions: options, include: ["*.ts"] }),
    );
    writeFileSync(join(folder, "connect-web.d.ts"), CONNECT_WEB);
    for (const [index, { code }] of blocks.entries()) {
      const imports = code.replace(/(from "|import\(")\.\/(gen|src|tools)\//g, "$1../$2/");
      writeFileSync(join(folder, `block-${index}.ts`), `${imports}\nexport {};\n`);
    }
    const { status, stdout } = spawnSync("tsc", ["--project", folder, "--pretty", "false"], {
      cwd: root,
      encoding: "utf8",
    });
    for (const line of status === 0 ? [] : stdout.split("\n")) {
      const [, index, row, fault] = /block-(\d+)\.ts\((\d+),\d+\): (.*)/.exec(line) ?? [];
      const block = blocks[Number(index)];
      if (block !== undefined) {
        report(block.file, block.line + Number(row), fault ?? "");
      } else if (line.trim() !== "") {
        report(folder, 0, line);
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const blocks: Located[] = documents().flatMap(({ file, text }) =>
  codeBlocks(text).map((block) => ({ ...block, file })),
);
for (const block of blocks) {
  const check = CHECKS[block.language];
  if (check === undefined) {
    report(block.file, block.line, `no check for code blocks in ${block.language}`);
    continue;
  }
  for (const [line, fault] of check(block)) {
    report(block.file, line, fault);
  }
}
compile(blocks.filter(({ language }) => language === "ts"));
console.log(`${blocks.length} code blocks`);
process.exitCode = found === 0 ? 0 : 1;
