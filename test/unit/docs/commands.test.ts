import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Command, CommanderError } from "commander";
import { expect, test } from "vitest";
import { createProgram } from "../../../tools/cli/program.ts";

const root = join(import.meta.dirname, "../../..");

interface Written {
  readonly where: string;
  readonly words: readonly string[];
}

/** Words as a shell splits them: up to what ends a command, and without what quotes are for. */
function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (const [token, double, single] of line.matchAll(/"([^"]*)"|'([^']*)'|[|;&#>]|[^\s"'|;&#>]+/g)) {
    if (/^[|;&#>]$/.test(token)) {
      break;
    }
    words.push(double ?? single ?? token);
  }
  return words;
}

/** Every command of a document: `npx oms …` in blocks for a shell, and with or without npx within backticks. */
function commandsIn(file: string): Written[] {
  const text = readFileSync(join(root, file), "utf8");
  const found: Written[] = [];
  let fenced = false;
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trimStart().startsWith("```")) {
      fenced = !fenced;
      continue;
    }
    const parts = fenced ? [line] : [...line.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code);
    for (const part of parts) {
      const [, command] = (fenced ? /(?:^|[\s(])npx oms\s+(.+)$/ : /^(?:npx )?oms\s+(.+)$/).exec(part) ?? [];
      // `<command>` stands for any.
      if (command !== undefined && !command.startsWith("<")) {
        found.push({ where: `${file}:${index + 1}`, words: wordsOf(command) });
      }
    }
  }
  return found;
}

/** In the place of what stands for something, and of files that are there elsewhere. */
const EXAMPLES: readonly (readonly [RegExp, string])[] = [
  [/^ORDER…?$/, "171203044"],
  [/^ACTION$/, "e-invoice"],
  [/^(TIME|A-B|N|WHY|TEXT|WHO)$/, "1"],
  [/\.(pem|crt|key)$/, import.meta.filename],
];

/** The program, with commands that are only read and never carried out, and say nothing. */
function readOnly(program: Command): Command {
  for (const command of [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)]) {
    command.exitOverride().configureOutput({ writeOut: () => {}, writeErr: () => {} });
    if (command.commands.length === 0) {
      command.action(() => {});
    }
  }
  return program;
}

/** Why the command line would not take it; "" where it would. */
async function refusal(words: readonly string[]): Promise<string> {
  const args = words.map((word) => EXAMPLES.find(([pattern]) => pattern.test(word))?.[1] ?? word);
  try {
    await readOnly(createProgram()).parseAsync(args, { from: "user" });
    return "";
  } catch (error) {
    if (error instanceof CommanderError) {
      return error.code === "commander.helpDisplayed" ? "" : error.message;
    }
    throw error;
  }
}

const documents = [
  "README.md",
  ...readdirSync(join(root, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];
const written = documents.flatMap(commandsIn);

test("the documents name commands, the runbook most of them", () => {
  expect(written.filter(({ where }) => where.startsWith("docs/runbook.md")).length).toBeGreaterThan(20);
  expect(written.filter(({ where }) => where.startsWith("README.md")).length).toBeGreaterThan(5);
});

test.each(written.map(({ where, words }) => [where, words.join(" "), words] as const))(
  "%s: oms %s is a command",
  async (_where, _text, words) => {
    expect(await refusal(words)).toBe("");
  },
);

test.each([
  [["acions"], "unknown command 'acions'"],
  [["actions", "--al"], "unknown option '--al'"],
  [["parked"], "missing required argument 'action'"],
  [["discard", "e-invoice", "--id", "1-1"], "required option '--reason <why>' not specified"],
  [["flows", "--state", "lost"], "argument 'lost' is invalid"],
])("oms %j would be found", async (words, expected) => {
  expect(await refusal(words)).toContain(expected);
});
