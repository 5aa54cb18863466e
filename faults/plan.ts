import { createRandom, type Random } from "../tools/testkit/random.ts";
import type { BackendName } from "./cluster/index.ts";
import { FAULT_KINDS, type FaultKind, faultKind } from "./kinds.ts";

/** Target of a fault: a process, or the link between a service and a backend. Services by index. */
export type Target =
  | { readonly service: number; readonly server?: undefined }
  | { readonly server: BackendName; readonly service?: undefined }
  | { readonly service: number; readonly server: BackendName };

/** A planned fault. */
export interface Fault {
  /** Milliseconds since the start of the round. */
  readonly at: number;
  readonly kind: FaultKind;
  readonly target: Target;
  readonly durationMs: number;
  /**
   * 0 ≤ chance < 1: decides details that are known only at run time, such as which consumer is
   * deleted.
   */
  readonly chance: number;
}

export interface PlanOptions {
  /** Kinds to use; all by default. */
  readonly kinds?: readonly FaultKind[];
  /** Processes that may be killed; all by default. */
  readonly kill?: readonly Target[];
}

const SERVICES = [0, 1] as const;
const BACKENDS = ["mariadb", "nats", "redis", "stub-systems"] as const;

/** Deck of processes to kill: services and broker three times each, the others twice. */
const KILL_DECK: readonly Target[] = [
  ...[{ service: 0 }, { service: 1 }, { server: "nats" }].flatMap((target) => [target, target, target] as Target[]),
  ...[{ server: "mariadb" }, { server: "redis" }, { server: "stub-systems" }].flatMap(
    (target) => [target, target] as Target[],
  ),
];

/** Ranges of the intervals between kills and between other faults, in milliseconds. */
const KILL_INTERVAL_MS = [1_800, 3_800] as const;
const FAULT_INTERVAL_MS = [1_200, 3_600] as const;

/** Time without faults at the start and the end of a round, in milliseconds. */
const QUIET_MS = 1_000;

/**
 * Time without faults for a target after each of its faults, in milliseconds, so that it can start
 * and do some work.
 */
const REST_MS = 1_000;

/** Attempts to find a target that no other fault is using. */
const TARGET_ATTEMPTS = 4;

/** Display name, unique per target. */
export function targetName({ service, server }: Target): string {
  if (service === undefined) {
    return server;
  }
  const name = `service-${service + 1}`;
  return server === undefined ? name : `${name} to ${server}`;
}

/**
 * All faults of a round, ordered by start time. A pure function of the seed and the other
 * arguments.
 */
export function makePlan(seed: number, durationMs: number, { kinds, kill = KILL_DECK }: PlanOptions = {}): Fault[] {
  const random = createRandom(seed);
  const isWanted = (kind: FaultKind) => kinds === undefined || kinds.includes(kind);
  const deck = (Object.keys(FAULT_KINDS) as FaultKind[])
    .filter(isWanted)
    .flatMap((kind) => Array(faultKind(kind).weight).fill(kind));
  const drawKilled = createDeck(random, kill);
  const kills = isWanted("kill")
    ? times(random, durationMs, KILL_INTERVAL_MS).map((at) => ({ at, kind: "kill" as const }))
    : [];
  const draw = createDeck<FaultKind>(random, deck);
  const others =
    deck.length > 0 ? times(random, durationMs, FAULT_INTERVAL_MS).map((at) => ({ at, kind: draw() })) : [];

  const plan: Fault[] = [];
  /** End of the last fault of each target, with its rest. */
  const busyUntil = new Map<string, number>();
  for (const { at, kind } of [...kills, ...others].toSorted((a, b) => a.at - b.at)) {
    const { durationMs: range } = faultKind(kind);
    const wanted = integerBetween(random, range);
    const chance = random.next();
    const choose = () => (kind === "kill" ? drawKilled() : targetOf(kind, random));
    const target = Array.from({ length: TARGET_ATTEMPTS }, choose).find(
      (candidate) => (busyUntil.get(targetName(candidate)) ?? 0) <= at,
    );
    const left = durationMs - QUIET_MS - at;
    if (target !== undefined && left >= range[0]) {
      const durationMs = Math.min(wanted, left);
      busyUntil.set(targetName(target), at + durationMs + REST_MS);
      plan.push({ at, kind, target, durationMs, chance });
    }
  }
  return plan;
}

function times(random: Random, durationMs: number, interval: readonly [low: number, high: number]): number[] {
  const found: number[] = [];
  for (
    let at = QUIET_MS + random.below(interval[0]);
    at < durationMs - QUIET_MS;
    at += integerBetween(random, interval)
  ) {
    found.push(at);
  }
  return found;
}

function targetOf(kind: FaultKind, random: Random): Target {
  const { target } = faultKind(kind);
  const service = random.pick(SERVICES);
  const server = random.pick(BACKENDS);
  switch (target) {
    case "service":
      return { service };
    case "process":
      return random.chance(0.5) ? { server } : { service };
    case "link":
      return { service, server };
    case "link to mariadb":
      return { service, server: "mariadb" };
    case "link to nats":
      return { service, server: "nats" };
    default:
      return { server: target as BackendName };
  }
}

/**
 * Draws all cards of a deck in random order, then shuffles it again: rare cards come up in every
 * pass.
 */
function createDeck<T>(random: Random, cards: readonly T[]): () => T {
  let left: T[] = [];
  return () => {
    if (left.length === 0) {
      left = [...cards];
    }
    return left.splice(random.below(left.length), 1)[0] as T;
  };
}

/** A random integer, both ends included. */
function integerBetween(random: Random, [low, high]: readonly [low: number, high: number]): number {
  return low + random.below(high - low + 1);
}
