import { expect, test } from "vitest";
import { proseOf } from "../../../scripts/language/prose.ts";
import { wideLines } from "../../../scripts/language/width.ts";
import { FORBIDDEN_WORDS } from "../../../scripts/language/words.ts";

const textsOf = (path: string, source: string) => proseOf(path, source).map(({ kind, text }) => [kind, text]);

const forbiddenIn = (text: string) => FORBIDDEN_WORDS.flatMap(({ pattern }) => text.match(pattern) ?? []);

test("comments and strings of TypeScript, without module specifiers and look-alikes", () => {
  const source = [
    'import { a } from "./a.ts"; // one',
    `const b = \`two \${a} /* three */\`; /* four */`,
    'const c = /"five"/;',
    'a("// six");',
  ].join("\n");
  expect(
    textsOf("x.ts", source)
      .filter(([kind]) => kind !== "name")
      .toSorted(),
  ).toEqual([
    ["comment", " four "],
    ["comment", " one"],
    ["string", " /* three */"],
    ["string", "// six"],
    ["string", "two "],
  ]);
});

test("positions are those of the file", () => {
  const source = ["/** first */", 'const a = "second";', `const b = \`third \${a} fourth\`;`].join("\n");
  const written = proseOf("x.ts", source).filter(({ kind }) => kind !== "name");
  expect(written.map(({ text, start }) => source.slice(start, start + text.length))).toEqual([
    "* first ",
    "second",
    "third ",
    " fourth",
  ]);
});

test("names are split into words, each name once", () => {
  const source = "const giveUp = 1; class A { #tellAll() { return giveUp + MAX_TRIES; } }";
  expect(textsOf("x.ts", source)).toEqual([
    ["name", "give Up"],
    ["name", "A"],
    ["name", "tell All"],
    ["name", "MAX TRIES"],
  ]);
});

test("comments and messages of the contract, without names", () => {
  expect(textsOf("x.proto", 'int64 told = 1 [(x) = { message: "must be set" }]; // the order')).toEqual([
    ["string", "must be set"],
    ["comment", " the order"],
  ]);
});

test.each([
  ["Nobody tells the caller", ["Nobody", "tells"]],
  ["it gave up on the old address", ["gave up", "old address"]],
  ["doors and neighbours", ["neighbours", "doors"]],
  ["it was given\n * up", ["given\n * up"]],
])("%s has forbidden words", (text, expected) => {
  expect(forbiddenIn(text)).toEqual(expected);
});

test.each(["in front of a proxy", "the front end reports it", "recommended", "indoors", "essay", "storytelling"])(
  "%s is fine",
  (text) => {
    expect(forbiddenIn(text)).toEqual([]);
  },
);

test("a wide line of prose is found, a table and a code block are not", () => {
  const wide = "word ".repeat(21).trim();
  const source = [wide, `| ${wide} |`, "```sh", wide, "```", "short"].join("\n");
  expect(wideLines("x.md", source, proseOf("x.md", source)).map(({ line }) => line)).toEqual([1]);
});

test("a wide comment is found, wide code is not", () => {
  const wide = "word ".repeat(21).trim();
  const source = [`/** ${wide} */`, `const a = "${wide}"; // ${wide}`, "/**", ` * ${wide}`, " */"].join("\n");
  expect(wideLines("x.ts", source, proseOf("x.ts", source)).map(({ line }) => line)).toEqual([1, 4]);
});
