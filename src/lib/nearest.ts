import { closestMatch } from "leven";

/** Maximum length of a name that is compared, in characters: a comparison takes quadratic time. */
const MAX_LENGTH = 64;

/** Minimum length of a name that counts as an abbreviation, in characters. */
const MIN_ABBREVIATION = 3;

/**
 * Finds the known name that a misspelt one most likely means: the same but for case and separators,
 * or beginning or ending with it, or close by edit distance.
 *
 * @returns undefined if none is close
 */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const given = normalize(name);
  if (given === "" || given.length > MAX_LENGTH) {
    return undefined;
  }
  const names = known.map(normalize);
  const [unabbreviated] = names
    .filter((full) => full.startsWith(given) || full.endsWith(given))
    .toSorted((a, b) => a.length - b.length);
  const found =
    unabbreviated !== undefined && (unabbreviated === given || given.length >= MIN_ABBREVIATION)
      ? unabbreviated
      : closestMatch(given, names, { maxDistance: Math.floor(given.length / 2) });
  return found === undefined ? undefined : known[names.indexOf(found)];
}

function normalize(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\d]/gu, "");
}
