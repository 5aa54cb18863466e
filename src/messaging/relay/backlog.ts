import type { Metrics } from "../../observability/metrics.ts";
import type { OldestRow } from "../../store/outbox/outbox.ts";
import type { OutboxDatabase } from "./republish.ts";

/** Size and age of the outbox, as of the last measurement of this server. */
export interface BacklogGauges {
  /** @param oldest the oldest row not known to be published; undefined if there is none */
  setOldest(oldest: OldestRow | undefined): void;
  setRows(rows: number): void;
  /** Another server exposes them. */
  clear(): void;
}

/** Exposes the backlog at /metrics; nothing before it is measured. */
export function createBacklogGauges(
  { clock }: Pick<OutboxDatabase, "clock">,
  metrics: Pick<Metrics, "outboxRows" | "outboxAge">,
): BacklogGauges {
  let measured = false;
  let rows: number | undefined;
  let oldest: OldestRow | undefined;

  metrics.outboxRows.addCallback((observe) => {
    if (rows !== undefined) {
      observe({}, rows);
    }
  });
  metrics.outboxAge.addCallback((observe) => {
    if (measured) {
      const age = oldest === undefined ? 0 : clock.now().getTime() - oldest.recordTime.getTime();
      observe({}, Math.max(0, age) / 1_000);
    }
  });

  return {
    setOldest(found) {
      oldest = found;
      measured = true;
    },
    setRows(count) {
      rows = count;
    },
    clear() {
      oldest = undefined;
      rows = undefined;
      measured = false;
    },
  };
}
