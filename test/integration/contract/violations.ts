import type { Failure } from "../transport/failures.ts";

/** A field that breaks its rule: what would be right, and what was there. */
export type Violation = readonly [field: string, description: string];

/** What is said of a text of one character more than it may have, all of them x. */
export const tooLong = (max: number): string =>
  `must be at most ${max} characters, was "${"x".repeat(64)}"… (${max + 1} characters)`;

/** More of a message than this does not go into a header, in bytes. */
const MAX_MESSAGE_BYTES = 600;

/** How a call fails whose request has such fields. */
export function invalid(faults: readonly Violation[]): Failure {
  const text = faults.map(([field, description]) => `${field}: ${description}`).join("; ");
  const bytes = Buffer.from(text);
  return {
    code: "InvalidArgument",
    message: bytes.length > MAX_MESSAGE_BYTES ? `${bytes.subarray(0, MAX_MESSAGE_BYTES)}…` : text,
    details: {
      BadRequest: { fieldViolations: faults.map(([field, description]) => ({ field, description, reason: "" })) },
    },
  };
}
