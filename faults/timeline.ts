import type { CompletedCall } from "./types.ts";

/** Calls completed within one second. */
export interface Second {
  ok: number;
  failed: number;
}

/** Completed calls over time. Times are `performance.now()`. */
export interface Timeline {
  /** Start of the timeline. */
  readonly began: number;
  record(call: CompletedCall): void;
  /** One entry per second since the start. */
  seconds(): readonly Readonly<Second>[];
  /** Successful calls per second within [from, until). */
  goodput(from: number, until: number): number;
}

/** Resolution, in milliseconds. */
const SLOT_MS = 100;

export function createTimeline(began = performance.now()): Timeline {
  const slots: Second[] = [];
  const slotOf = (at: number) => Math.max(0, Math.floor((at - began) / SLOT_MS));
  return {
    began,
    record({ at, ok }) {
      for (let index = slots.length; index <= slotOf(at); index += 1) {
        slots.push({ ok: 0, failed: 0 });
      }
      const slot = slots[slotOf(at)] as Second;
      slot[ok ? "ok" : "failed"] += 1;
    },
    seconds() {
      const each = 1_000 / SLOT_MS;
      return Array.from({ length: Math.ceil(slots.length / each) }, (_, second) =>
        slots
          .slice(second * each, (second + 1) * each)
          .reduce((sum, { ok, failed }) => ({ ok: sum.ok + ok, failed: sum.failed + failed }), { ok: 0, failed: 0 }),
      );
    },
    goodput(from, until) {
      const count = slots.slice(slotOf(from), slotOf(until)).reduce((sum, { ok }) => sum + ok, 0);
      return count / ((slotOf(until) - slotOf(from)) * (SLOT_MS / 1_000));
    },
  };
}
