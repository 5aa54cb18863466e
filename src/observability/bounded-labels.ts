/**
 * Maximum number of distinct label values: each value is a series, and callers can send any number
 * of them.
 */
const MAX_LABELS = 200;

/**
 * Returns a function that maps a label value to itself, or to `(other)` once `max` distinct values
 * have been seen.
 */
export function boundedLabels(max = MAX_LABELS): (value: string) => string {
  const known = new Set<string>();
  return (value) => {
    if (known.size < max) {
      known.add(value);
    }
    return known.has(value) ? value : "(other)";
  };
}
