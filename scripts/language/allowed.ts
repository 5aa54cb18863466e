/** The right uses of a forbidden word. An entry that no longer matches anything fails the check. */
export interface AllowedUse {
  /** Path from the root of the repository, or a folder that ends in a slash. */
  readonly path: string;
  /** Text around the word, as it stands in the file. */
  readonly phrase: string;
  readonly reason: string;
}

export const ALLOWED_USES: readonly AllowedUse[] = [
  {
    path: "src/transport/legacy/body.ts",
    phrase: "say the right charset in content-type",
    reason: "an answer of the legacy endpoints",
  },
  {
    path: "test/integration/legacy/http.test.ts",
    phrase: "say the right charset in content-type",
    reason: "an answer of the legacy endpoints",
  },
  { path: "CHANGELOG.md", phrase: "`front`", reason: "a former name" },
  { path: "CHANGELOG.md", phrase: "neighbour,result}", reason: "a former name" },
  { path: "CHANGELOG.md", phrase: "`neighbour`", reason: "a former name" },
  { path: "CHANGELOG.md", phrase: 'reason="barred"', reason: "a former name" },
  { path: "src/store/", phrase: "old_method", reason: "a stored column" },
  { path: "test/integration/", phrase: "old_method", reason: "a stored column" },
  { path: "faults/rolling-restart.ts", phrase: "OMS_UPKEEP_EVERY_MS", reason: "a former name" },
  { path: "test/unit/config/load.test.ts", phrase: "OMS_UPKEEP_EVERY_MS", reason: "a former name" },
];
