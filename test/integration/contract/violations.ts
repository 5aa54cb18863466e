import type { Failure } from "../transport/failures.ts";

/** An invalid field, with the rule and the value. */
export type Violation = readonly [field: string, description: string];

/** The description for a text of x, one character too long. */
export const tooLong = (max: number): string =>
  `must be at most ${max} characters, was "${"x".repeat(64)}"… (${max + 1} characters)`;

/** Maximum length of an error message, in bytes. */
const MAX_MESSAGE_BYTES = 600;

/** The failure of a call with these violations. */
export function invalid(violations: readonly Violation[]): Failure {
  const text = violations.map(([field, description]) => `${field}: ${description}`).join("; ");
  const bytes = Buffer.from(text);
  return {
    code: "InvalidArgument",
    message: bytes.length > MAX_MESSAGE_BYTES ? `${bytes.subarray(0, MAX_MESSAGE_BYTES)}…` : text,
    details: {
      BadRequest: { fieldViolations: violations.map(([field, description]) => ({ field, description, reason: "" })) },
    },
  };
}
