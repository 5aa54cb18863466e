import type { BackendName } from "./cluster/index.ts";

/** Categories of faults; each has a colour in the chart. */
export const FAULT_CATEGORIES = [
  "killed",
  "frozen",
  "connections",
  "answers lost",
  "data lost",
  "out of connections",
  "clock",
] as const;

export type FaultCategory = (typeof FAULT_CATEGORIES)[number];

interface Kind {
  readonly category: FaultCategory;
  /**
   * Any process, a service, this backend; or the link from a service to any backend, or to this
   * one.
   */
  readonly target: "process" | "service" | BackendName | "link" | `link to ${BackendName}`;
  /** Range of the duration in milliseconds, both ends included. */
  readonly durationMs: readonly [low: number, high: number];
  /** How often the deck that faults are drawn from contains it. */
  readonly weight: number;
}

/** All faults. Kills are drawn from a deck of their own. */
export const FAULT_KINDS = {
  kill: { category: "killed", target: "process", durationMs: [200, 2_000], weight: 0 },
  freeze: { category: "frozen", target: "process", durationMs: [2_000, 10_000], weight: 2 },
  cut: { category: "connections", target: "link", durationMs: [0, 1_500], weight: 2 },
  "half-open": { category: "connections", target: "link", durationMs: [2_000, 8_000], weight: 1 },
  "half-open to server": { category: "connections", target: "link", durationMs: [2_000, 8_000], weight: 1 },
  "half-open to client": { category: "connections", target: "link", durationMs: [2_000, 8_000], weight: 1 },
  delay: { category: "connections", target: "link", durationMs: [1_000, 5_000], weight: 1 },
  "COMMIT answer lost": { category: "answers lost", target: "link to mariadb", durationMs: [300, 1_500], weight: 2 },
  "publish answer lost": { category: "answers lost", target: "link to nats", durationMs: [300, 1_500], weight: 2 },
  "consumer deleted": { category: "data lost", target: "nats", durationMs: [0, 0], weight: 1 },
  "stream deleted": { category: "data lost", target: "nats", durationMs: [0, 0], weight: 1 },
  "JetStream directory deleted while running": { category: "data lost", target: "nats", durationMs: [0, 0], weight: 1 },
  "JetStream directory deleted, killed": { category: "data lost", target: "nats", durationMs: [200, 2_000], weight: 1 },
  "Redis emptied, killed": { category: "data lost", target: "redis", durationMs: [200, 1_000], weight: 1 },
  "connections exhausted": {
    category: "out of connections",
    target: "mariadb",
    durationMs: [2_000, 5_000],
    weight: 1,
  },
  "clock jump": { category: "clock", target: "service", durationMs: [3_000, 10_000], weight: 1 },
} as const satisfies Record<string, Kind>;

export type FaultKind = keyof typeof FAULT_KINDS;

export const faultKind = (kind: FaultKind): Kind => FAULT_KINDS[kind];
