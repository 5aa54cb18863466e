import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const read = (file: string) => readFileSync(join(import.meta.dirname, "../../..", file), "utf8");

const { scripts, devDependencies } = JSON.parse(read("package.json")) as {
  readonly scripts: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
};

test("version managers use the pinned Node", () => {
  expect(read(".node-version").trim()).toBe(devDependencies.node);
});

test.each(Object.entries(scripts))("npm run %s starts something that exists", (name, script) => {
  const [, target = ""] = /^node scripts\/run\.mjs (\S+)$/.exec(script) ?? [];
  const exists = target.endsWith(".ts")
    ? read(target) !== ""
    : new RegExp(`^  "?${target}"?: \\[\\[`, "m").test(read("scripts/run.mjs"));
  expect({ name, exists }).toEqual({ name, exists: true });
});
