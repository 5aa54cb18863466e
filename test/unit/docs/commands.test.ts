import { type Command, CommanderError } from "commander";
import { expect, test } from "vitest";
import { codeBlocks, documents, withoutCodeBlocks } from "../../../scripts/docs/markdown.ts";
import { shellCommands, wordsOf } from "../../../scripts/docs/shell.ts";
import { createProgram } from "../../../tools/cli/program.ts";

/** A command as a document has it. */
interface DocumentedCommand {
  readonly where: string;
  readonly words: readonly string[];
}

/** Every `npx oms …` in shell blocks, and `oms …` in inline code. */
function commandsIn({ file, text }: { readonly file: string; readonly text: string }): DocumentedCommand[] {
  // Generated blocks come from the program itself.
  const own = text.replace(/<!-- generated: [\s\S]*?<!-- \/generated -->/g, (block) =>
    "\n".repeat(block.split("\n").length - 1),
  );
  const inBlocks = codeBlocks(own).flatMap(({ code, line }) =>
    shellCommands(code).map((command) => ({ where: `${file}:${line + 1 + command.line}`, words: command.words })),
  );
  const inline = withoutCodeBlocks(own)
    .split("\n")
    .flatMap((line, index) =>
      [...line.matchAll(/`(?:npx )?(oms [^`]+)`/g)].map(([, code = ""]) => ({
        where: `${file}:${index + 1}`,
        words: ["npx", ...wordsOf(code)],
      })),
    );
  // `<command>` is a placeholder.
  return [...inBlocks, ...inline].flatMap(({ where, words: [npx, oms, ...words] }) =>
    npx === "npx" && oms === "oms" && !words[0]?.startsWith("<") ? [{ where, words }] : [],
  );
}

/** Values for placeholders, and for files that exist elsewhere only. */
const EXAMPLES: readonly (readonly [RegExp, string])[] = [
  [/^ORDER…?$/, "171203044"],
  [/^ACTION$/, "e-invoice"],
  [/^(TIME|A-B|N|WHY|TEXT|WHO)$/, "1"],
  [/\.(pem|crt|key)$/, import.meta.filename],
];

/** The program with silent commands that are parsed and not executed. */
function parseOnly(program: Command): Command {
  for (const command of [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)]) {
    command.exitOverride().configureOutput({ writeOut: () => {}, writeErr: () => {} });
    if (command.commands.length === 0) {
      command.action(() => {});
    }
  }
  return program;
}

/** The error of the command line's parser; "" for a valid command. */
async function parseError(words: readonly string[]): Promise<string> {
  const args = words.map((word) => EXAMPLES.find(([pattern]) => pattern.test(word))?.[1] ?? word);
  try {
    await parseOnly(createProgram()).parseAsync(args, { from: "user" });
    return "";
  } catch (error) {
    if (error instanceof CommanderError) {
      return error.code === "commander.helpDisplayed" ? "" : error.message;
    }
    throw error;
  }
}

const commands = documents().flatMap(commandsIn);

test("the documents have commands, the runbook most of them", () => {
  const count = (file: string) => commands.filter(({ where }) => where.startsWith(`${file}:`)).length;
  expect(count("docs/runbook.md")).toBeGreaterThan(20);
  expect(count("docs/cli.md")).toBeGreaterThan(3);
  expect(count("README.md")).toBeGreaterThan(2);
});

test.each(commands.map(({ where, words }) => [where, words.join(" "), words] as const))(
  "%s: oms %s is a command",
  async (_where, _text, words) => {
    expect(await parseError(words)).toBe("");
  },
);

test.each([
  [["acions"], "unknown command 'acions'"],
  [["actions", "--al"], "unknown option '--al'"],
  [["parked"], "missing required argument 'action'"],
  [["discard", "e-invoice", "--id", "1-1"], "required option '--reason <text>' not specified"],
  [["flows", "--state", "lost"], "argument 'lost' is invalid"],
])("oms %j is refused", async (words, expected) => {
  expect(await parseError(words)).toContain(expected);
});
