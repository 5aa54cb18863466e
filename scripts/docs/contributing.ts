import { readFileSync } from "node:fs";
import { join } from "node:path";
import { RECIPE_EXAMPLES } from "../recipes/examples.ts";
import type { Page } from "./page.ts";

const EXAMPLE = "examples/actions/loyalty-points.ts";
const REGISTRY = "src/actions/registry.ts";

function action(): string {
  const handler = readFileSync(join(import.meta.dirname, "../..", EXAMPLE), "utf8");
  const rows = RECIPE_EXAMPLES.flatMap(({ edits }) => edits)
    .filter((edit) => edit.file === REGISTRY && "insert" in edit && !edit.insert.startsWith("import"))
    .map((edit) => ("insert" in edit ? edit.insert.replace(/^ {4}/gm, "") : ""));
  return [
    "```ts",
    `// ${EXAMPLE}`,
    handler.replaceAll('"../../src/', '"./src/').trim(),
    "```",
    "",
    `Its row in \`${REGISTRY}\`:`,
    "",
    "```text",
    rows.join("").trim(),
    "```",
  ].join("\n");
}

/** The example of an Action, from its source. */
export const contributing: Page = { file: "CONTRIBUTING.md", blocks: { action } };
