import { CONFIG_VARIABLES } from "../../src/config/variables.ts";
import { code, type Page, table } from "./page.ts";

function variables(): string {
  const rows = CONFIG_VARIABLES.map(({ name, default: byDefault, description }) => [
    code(name),
    byDefault === "not set" ? byDefault : code(byDefault),
    description,
  ]);
  return table(["variable", "default", "meaning"], rows);
}

function renamed(): string {
  const rows = CONFIG_VARIABLES.flatMap(({ name, formerly }) => (formerly ? [[code(formerly), code(name)]] : []));
  return table(["former name", "name"], rows);
}

/** The environment variables, from their schema. */
export const configuration: Page = { file: "docs/configuration.md", blocks: { variables, renamed } };
