/** So many values of a label are told apart: each would be a series for good, and callers may think of any number of them. */
const MAX_LABELS = 200;

/** Names a label's values as a metric tells them: past the first few hundred all others are `(other)`. */
export function boundedLabels(max = MAX_LABELS): (value: string) => string {
  const known = new Set<string>();
  return (value) => {
    if (known.size < max) {
      known.add(value);
    }
    return known.has(value) ? value : "(other)";
  };
}
