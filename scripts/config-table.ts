/** The README's table of environment variables, made from the configuration's own description: `--write` puts it there. */
import { CONFIG_VARIABLES } from "../src/config.ts";
import { keepReadmeBlock } from "./readme-block.ts";

const cell = (text: string) => text.replaceAll("|", "\\|");
const rows = CONFIG_VARIABLES.map(({ name, default: byDefault, meaning }) => {
  const value = byDefault === "not set" ? byDefault : `\`${byDefault}\``;
  return `| \`${name}\` | ${cell(value)} | ${cell(meaning)} |`;
});

keepReadmeBlock(
  "configuration",
  ["| variable | default | meaning |", "| --- | --- | --- |", ...rows].join("\n"),
  "config-table.ts",
);
