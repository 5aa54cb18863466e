/** What there is to ask about, so that requests reach further than NOT_FOUND. */
export interface Fixture {
  /** At least one. */
  readonly orderIds: readonly bigint[];
}

/** Names of Actions and steps that the service has. */
export const ACTION_NAMES = ["third-party-notify", "settlement-push", "customer-message", "approve", "payment-timeout"];
