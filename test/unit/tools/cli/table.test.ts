import stringWidth from "string-width";
import { describe, expect, test } from "vitest";
import { type Column, cutTo, formatTable, type Screen } from "../../../../tools/cli/table.ts";

interface Row {
  readonly label: string;
  readonly count: number;
  readonly error: string;
}

const COLUMNS: readonly Column<Row>[] = [
  { title: "中文", cell: ({ label }) => label },
  { title: "count", cell: ({ count }) => String(count), align: "right" },
  { title: "error", cell: ({ error }) => error, flexible: true },
];
const ROWS: readonly Row[] = [
  { label: "已下发WMS", count: 7, error: "no stock" },
  { label: "取消", count: 1234, error: "邮件服务器没有回答，稍后再试 (503)" },
];

const screen = (width: number): Screen => ({ width, paint: (_, text) => text });

describe("formatTable", () => {
  test("aligns columns; a Chinese character takes two cells", () => {
    expect(formatTable(COLUMNS, ROWS, screen(Number.POSITIVE_INFINITY)).split("\n")).toEqual([
      "中文       count  error",
      "已下发WMS      7  no stock",
      "取消        1234  邮件服务器没有回答，稍后再试 (503)",
    ]);
  });

  test("shortens the flexible column first", () => {
    const lines = formatTable(COLUMNS, ROWS, screen(32)).split("\n");
    expect(lines).toEqual(["中文       count  error", "已下发WMS      7  no stock", "取消        1234  邮件服务器没…"]);
    expect(Math.max(...lines.map((line) => stringWidth(line)))).toBeLessThanOrEqual(32);
  });

  test.each([1, 5, 9, 12, 17, 20, 24, 31])("fits a screen of %i cells", (width) => {
    for (const line of formatTable(COLUMNS, ROWS, screen(width)).split("\n")) {
      expect(stringWidth(line)).toBeLessThanOrEqual(width);
    }
  });

  test("colours do not change the alignment", () => {
    const toned = COLUMNS.map((column) => ({ ...column, tone: () => "red" as const }));
    const painted = formatTable(toned, ROWS, {
      width: Number.POSITIVE_INFINITY,
      paint: (_, text) => `\u001b[31m${text}\u001b[39m`,
    });
    const plain = formatTable(COLUMNS, ROWS, screen(Number.POSITIVE_INFINITY));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: matches colour codes.
    const bare = painted.replaceAll(/\u001b\[\d+m/g, "");
    expect(bare.split("\n").map((line) => line.trimEnd())).toEqual(plain.split("\n"));
  });

  test("formats more rows than the maximum number of arguments", () => {
    const rows = Array.from({ length: 200_000 }, () => ROWS[0] as Row);
    const columns = COLUMNS.filter(({ title }) => title === "count");
    expect(formatTable(columns, rows, screen(80)).split("\n")).toHaveLength(200_001);
  });
});

test.each([
  ["已下发WMS", 20, "已下发WMS"],
  ["已下发WMS", 9, "已下发WMS"],
  ["已下发WMS", 8, "已下发W…"],
  ["已下发WMS", 6, "已下…"],
  ["已下发WMS", 1, "…"],
  ["已下发WMS", 0, ""],
  ["👨‍👩‍👧 home", 4, "👨‍👩‍👧 …"],
])("cutTo: %s in %i cells is %s", (text, width, expected) => {
  expect(cutTo(text, width)).toBe(expected);
});
