import type { Command } from "commander";
import { createProgram } from "../../tools/cli/program.ts";
import { code, type Page, table } from "./page.ts";

/** Environment variables that appear in the help as defaults. */
const SHOWN_VARIABLES = ["OMS_SERVER", "OMS_GRPC_PORT"];

function programWithoutEnvironment(): Command {
  for (const name of SHOWN_VARIABLES) {
    delete process.env[name];
  }
  const program = createProgram();
  for (const option of leavesOf(program).flatMap(({ options }) => options)) {
    if (option.long === "--operator") {
      option.defaultValueDescription = "the system user";
    }
  }
  return program;
}

const leavesOf = (command: Command): Command[] =>
  command.commands.length === 0 ? [command] : command.commands.flatMap(leavesOf);

const nameOf = (command: Command): string =>
  command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;

const usageOf = (command: Command): string =>
  [nameOf(command), ...command.registeredArguments.map(usageOfArgument)].join(" ");

function usageOfArgument(argument: Command["registeredArguments"][number]): string {
  const name = `${argument.name()}${argument.variadic ? "..." : ""}`;
  return argument.required ? `<${name}>` : `[${name}]`;
}

/** What `--help` prints, 90 columns wide and without the options that every command has. */
function helpOf(command: Command): string {
  let help = "";
  command
    .configureHelp({ helpWidth: 90, showGlobalOptions: false })
    .configureOutput({ writeOut: (text) => (help += text), getOutHasColors: () => false });
  command.outputHelp();
  return `\`\`\`text\n${help.trim()}\n\`\`\``;
}

function overview(): string {
  const rows = leavesOf(programWithoutEnvironment()).map((command) => [code(usageOf(command)), command.description()]);
  return table(["command", "what it does"], rows);
}

function help(): string {
  const program = programWithoutEnvironment();
  return [
    `## oms\n\n${helpOf(program)}`,
    ...leavesOf(program).map((command) => `## ${nameOf(command)}\n\n${helpOf(command)}`),
  ].join("\n\n");
}

/** The command line, from its commander program. */
export const cli: Page = { file: "docs/cli.md", blocks: { overview, help } };
