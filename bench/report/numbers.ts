import type { Summary } from "../measurements.ts";

/** With as many digits as print something: 12,345, 45.6, 1.23. */
export function formatNumber(value: number): string {
  const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString("en", { maximumFractionDigits: digits });
}

/** The median, and the spread where several rounds have one. */
export function formatSummary({ median, lowest, highest }: Summary): string {
  const [low, high] = [formatNumber(lowest), formatNumber(highest)];
  return low === high ? formatNumber(median) : `${formatNumber(median)} (${low}–${high})`;
}
