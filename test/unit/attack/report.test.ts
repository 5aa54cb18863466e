import { expect, test } from "vitest";
import { mergeRows } from "../../../attack/report.ts";

const TABLE = `text

| attack | port | credentials | MB/s |
| --- | --- | --- | ---: |
| small requests | gRPC | none | 1.0 |
| a flood of pings | HTTP | none | 2.0 |
| an attack that is no more | HTTP | none | 3.0 |
`;

test("measured rows replace their former ones, in the order of the scenarios; unknown ones go", () => {
  const rows = [
    ["a flood of pings", "HTTP", "none", "9.0"],
    ["small requests", "gRPC", "no rights", "8.0"],
  ];
  expect(mergeRows(TABLE, rows).map((cells) => cells.join(" "))).toEqual([
    "a flood of pings HTTP none 9.0",
    "small requests gRPC none 1.0",
    "small requests gRPC no rights 8.0",
  ]);
});
