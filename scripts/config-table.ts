/** The README's table of environment variables, made from the configuration's own description: `--write` puts it there. */
import { CONFIG_VARIABLES } from "../src/config/variables.ts";
import { keepDocBlock, markdownTable } from "./doc-block.ts";

const rows = CONFIG_VARIABLES.map(({ name, default: byDefault, description }) => [
  `\`${name}\``,
  byDefault === "not set" ? byDefault : `\`${byDefault}\``,
  description,
]);

keepDocBlock("README.md", "configuration", markdownTable(["variable", "default", "meaning"], rows), "config-table.ts");
