/**
 * Settings of the service in the suite: short times, so that what waits for a dead server does not wait for long. A frozen process stands
 * still for longer than a lease, so that it wakes up as somebody whose work others have done.
 */
export const SERVICE_ENVIRONMENT: Readonly<Record<string, string>> = {
  OMS_LOG_LEVEL: "info",
  OMS_OUTBOX_RETENTION_MS: "4000",
  OMS_OUTBOX_SWEEP_MS: "500",
  OMS_LEDGER_SWEEP_DELAY_MS: "2000",
  OMS_LEASE_MS: "3000",
  OMS_ACTION_POLL_MS: "100",
  OMS_RETRY_BASE_MS: "100",
  OMS_RETRY_CAP_MS: "1000",
  // An honest fault parks nothing.
  OMS_MAX_ATTEMPTS: "1000",
  OMS_EXTERNAL_TIMEOUT_MS: "1500",
  OMS_DRAIN_MS: "1000",
};
