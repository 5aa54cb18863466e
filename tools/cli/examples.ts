import type { Command } from "commander";

/** Shows commands to try at the end of a command's help. */
export function examples(command: Command, lines: readonly string[]): void {
  command.addHelpText("after", ["", "Examples:", ...lines.map((line) => `  ${line}`)].join("\n"));
}
