import { expect, test } from "vitest";
import { escapeUnprintable, findUnprintable, withoutUnprintable } from "../../../src/observability/unprintable.ts";

test.each([
  ["a\u202eb\n", { character: "U+202E", position: 2 }, "a b ", String.raw`a\u202eb\u000a`],
  ["\x1b[31m", { character: "U+001B", position: 1 }, " [31m", String.raw`\u001b[31m`],
  ["王 伟 👩‍👧", undefined, "王 伟 👩‍👧", "王 伟 👩‍👧"],
  ["", undefined, "", ""],
])("%j", (text, found, replaced, escaped) => {
  expect(findUnprintable(text)).toEqual(found);
  expect(withoutUnprintable(text)).toBe(replaced);
  expect(escapeUnprintable(text)).toBe(escaped);
});
