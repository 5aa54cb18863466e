import { expect, test } from "vitest";
import { createUnreadResponses } from "../../../../src/transport/guard/unread-responses.ts";

const MAX_BYTES = 100;
const TIMEOUT_MS = 1_000;

/** Responses with adjustable unread bytes, and the names of those cancelled. */
function createHarness() {
  const cancelled: string[] = [];
  const responses = createUnreadResponses(MAX_BYTES, TIMEOUT_MS);
  return {
    cancelled,
    check: responses.check,
    add(name: string, writableLength: number) {
      const response = { writableLength };
      const end = responses.add(response, () => void cancelled.push(name));
      return { response, end };
    },
  };
}

test("a response without progress is cancelled after the timeout", () => {
  const { add, check, cancelled } = createHarness();
  const { response } = add("slow", 10);
  add("stuck", 10);
  check(0);
  response.writableLength = 9;
  check(TIMEOUT_MS);
  expect(cancelled).toEqual([]);
  check(TIMEOUT_MS + 1);
  expect(cancelled).toEqual(["stuck"]);
});

test("beyond the limit in all, the largest are cancelled", () => {
  const { add, check, cancelled } = createHarness();
  add("small", 20);
  add("largest", 60);
  add("large", 50);
  check(0);
  expect(cancelled).toEqual(["largest"]);
});

test("a response that has ended is not checked", () => {
  const { add, check, cancelled } = createHarness();
  add("ended", 1_000).end();
  check(0);
  expect(cancelled).toEqual([]);
});
