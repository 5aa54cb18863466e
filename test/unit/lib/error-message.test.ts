import { expect, test } from "vitest";
import { errorMessage } from "../../../src/lib/error-message.ts";

test.each([
  [Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:1"), { code: "ECONNREFUSED" }), "ECONNREFUSED"],
  [Object.assign(new Error("not found"), { code: "NOT_FOUND" }), "not found"],
  [new Error("no"), "no"],
  ["text", "text"],
  [undefined, "undefined"],
])("%s", (error, expected) => {
  expect(errorMessage(error)).toBe(expected);
});
