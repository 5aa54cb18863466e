import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { RECIPE_EXAMPLES } from "../../../scripts/recipes/examples.ts";
import { recipesOf } from "../../../scripts/recipes/steps.ts";

const root = join(import.meta.dirname, "../../..");
const recipes = recipesOf(readFileSync(join(root, "CONTRIBUTING.md"), "utf8"));

const WITHOUT_EXAMPLE = ["Add a table or a migration", "Add an event type"];

test("there is a recipe for each kind of extension, and most have an example that npm run check follows", () => {
  const headings = recipes.map(({ heading }) => heading);
  expect(headings).toEqual([
    "Add a state",
    "Add an Action",
    "Add an RPC",
    "Add a legacy method",
    "Add a configuration variable",
    "Add a metric",
    ...WITHOUT_EXAMPLE,
  ]);
  expect(RECIPE_EXAMPLES.map(({ heading }) => heading)).toEqual(
    headings.filter((heading) => !WITHOUT_EXAMPLE.includes(heading)),
  );
});

const steps = recipes.flatMap(({ heading, steps }) => steps.map((step) => ({ heading, ...step })));

test.each(steps.filter(({ file }) => !file.includes("<")))("$heading: $file has $symbols", ({ file, symbols }) => {
  const path = join(root, file);
  expect(existsSync(path)).toBe(true);
  const text = readFileSync(path, "utf8");
  expect(symbols.filter((symbol) => !new RegExp(`\\b${symbol}\\b`).test(text))).toEqual([]);
});

test.each(steps.filter(({ file }) => file.includes("<")))("$heading: the folder of $file exists", ({ file }) => {
  expect(existsSync(join(root, file, ".."))).toBe(true);
});

test("steps are read from a numbered list", () => {
  const text = [
    "### Add a thing",
    "",
    "1. `src/a.ts`: a row in `THINGS`, see",
    "   `other`. Run `npm run docs`.",
    "2. `src/<name>.ts`: the thing.",
    "",
    "More: `src/b.ts`.",
  ].join("\n");
  expect(recipesOf(text)).toEqual([
    {
      heading: "Add a thing",
      steps: [
        { file: "src/a.ts", symbols: ["THINGS", "other"] },
        { file: "src/<name>.ts", symbols: [] },
      ],
    },
  ]);
});
