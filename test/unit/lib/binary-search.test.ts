import { expect, test } from "vitest";
import { findLastOld } from "../../../src/lib/binary-search.ts";

/** Items by id, of which those up to `lastOld` are old; counts the reads. */
function items(ids: readonly bigint[], lastOld: bigint) {
  let reads = 0;
  const find = () =>
    findLastOld(async (id) => {
      reads += 1;
      const next = ids.find((one) => one > id);
      return next !== undefined && next <= lastOld ? next : undefined;
    });
  return { find, reads: () => reads };
}

test.each([
  ["no items", [], 9n, 0n],
  ["no old item", [3n, 4n], 2n, 0n],
  ["one old item", [3n, 4n], 3n, 3n],
  ["only old items", [3n, 4n, 9n], 100n, 9n],
  ["gaps", [5n, 1_000n, 1_001n, 90_000n, 2_000_000n], 90_000n, 90_000n],
] as const)("%s", async (_, ids, lastOld, expected) => {
  expect(await items(ids, lastOld).find()).toBe(expected);
});

test("the last old item is found at every position, with few reads", async () => {
  const ids = Array.from({ length: 300 }, (_, index) => BigInt(index * 3 + 7));
  for (const id of ids) {
    const { find, reads } = items(ids, id);
    expect(await find()).toBe(id);
    expect(reads()).toBeLessThan(30);
  }
});
