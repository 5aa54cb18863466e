/** Who is responsible for a change at the calling system. */
export interface Operator {
  /** The person or job that the caller named, unverified; "" for none. */
  readonly operator: string;
  /** The person in the caller's verified token; "" for none. */
  readonly authenticatedOperator: string;
}

/** Describes an operator: the authenticated person first, and the given name if it differs. */
export function describeOperator({ operator, authenticatedOperator }: Operator): string {
  if (authenticatedOperator === "" || authenticatedOperator === operator) {
    return operator;
  }
  return operator === "" ? authenticatedOperator : `${authenticatedOperator}, given as ${operator}`;
}
