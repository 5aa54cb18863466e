import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { LEGACY_METHODS, pathOf } from "../../../src/transport/legacy/methods.ts";
import { useService } from "../../support/service.ts";
import { GOLDEN_CASES, type GoldenCase } from "./golden-cases.ts";

const served = useService();
const FOLDER = join(import.meta.dirname, "golden");
const HEADERS = ["content-type", "oms-code", "oms-reason", "link"];

const fileOf = ({ method, name }: GoldenCase) => `${method}.${name}.http`;

async function call(method: string, query: string): Promise<Response> {
  const path = pathOf(LEGACY_METHODS.find(({ name }) => name === method) as (typeof LEGACY_METHODS)[number]);
  return fetch(`http://127.0.0.1:${served.service.httpPort}${path}?${query}`);
}

/** Status and headers, an empty line, and the body byte by byte. */
async function textOf(response: Response): Promise<string> {
  const head = HEADERS.flatMap((name) => response.headers.get(name)?.replace(/^/, `${name}: `) ?? []);
  const body = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(await response.arrayBuffer());
  return [response.status, ...head, "", body].join("\n");
}

test.each(GOLDEN_CASES.map((golden) => [fileOf(golden), golden] as const))("%s", async (file, golden) => {
  await golden.prepare?.(served.db);
  for (const query of golden.before ?? []) {
    expect((await call(golden.method, query)).headers.get("oms-code")).toBeNull();
  }

  await expect(await textOf(await call(golden.method, golden.query))).toMatchFileSnapshot(join(FOLDER, file));
});

// Without CI, a missing file is written after this test, which fails once.
test("each file has a case, each case a file, each method a case", async () => {
  expect((await readdir(FOLDER)).toSorted()).toEqual(GOLDEN_CASES.map(fileOf).toSorted());
  expect(new Set(GOLDEN_CASES.map(({ method }) => method))).toEqual(new Set(LEGACY_METHODS.map(({ name }) => name)));
});
