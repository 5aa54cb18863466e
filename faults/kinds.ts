import type { BackendName } from "./cluster/index.ts";

/** What faults do, for the picture: one colour each. */
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
  /** What it hits: any process, a service's, this server's; or the way from a service to any server, or to this one. */
  readonly hits: "process" | "service" | BackendName | "way" | `way to ${BackendName}`;
  /** Milliseconds, both ends included. */
  readonly lasts: readonly [low: number, high: number];
  /** How often it stands in the deck that faults are dealt from. */
  readonly cards: number;
}

/** Every fault there is. Kills are dealt from a deck of their own. */
export const FAULT_KINDS = {
  kill: { category: "killed", hits: "process", lasts: [200, 2_000], cards: 0 },
  freeze: { category: "frozen", hits: "process", lasts: [2_000, 10_000], cards: 2 },
  cut: { category: "connections", hits: "way", lasts: [0, 1_500], cards: 2 },
  "half-open": { category: "connections", hits: "way", lasts: [2_000, 8_000], cards: 1 },
  "half-open to server": { category: "connections", hits: "way", lasts: [2_000, 8_000], cards: 1 },
  "half-open to client": { category: "connections", hits: "way", lasts: [2_000, 8_000], cards: 1 },
  delay: { category: "connections", hits: "way", lasts: [1_000, 5_000], cards: 1 },
  "COMMIT answer lost": { category: "answers lost", hits: "way to mariadb", lasts: [300, 1_500], cards: 2 },
  "publish answer lost": { category: "answers lost", hits: "way to nats", lasts: [300, 1_500], cards: 2 },
  "consumer deleted": { category: "data lost", hits: "nats", lasts: [0, 0], cards: 1 },
  "stream deleted": { category: "data lost", hits: "nats", lasts: [0, 0], cards: 1 },
  "JetStream directory deleted while it runs": { category: "data lost", hits: "nats", lasts: [0, 0], cards: 1 },
  "JetStream directory deleted, killed": { category: "data lost", hits: "nats", lasts: [200, 2_000], cards: 1 },
  "Redis emptied, killed": { category: "data lost", hits: "redis", lasts: [200, 1_000], cards: 1 },
  "connections filled": { category: "out of connections", hits: "mariadb", lasts: [2_000, 5_000], cards: 1 },
  "clock jump": { category: "clock", hits: "service", lasts: [3_000, 10_000], cards: 1 },
} as const satisfies Record<string, Kind>;

export type FaultKind = keyof typeof FAULT_KINDS;

export const faultKind = (kind: FaultKind): Kind => FAULT_KINDS[kind];
