import { createRandom, type Random } from "../tools/testkit/random.ts";
import type { BackendName } from "./cluster/index.ts";
import { createDeck, randomBetween } from "./deck.ts";
import { FAULT_KINDS, type FaultKind, faultKind } from "./kinds.ts";

/** What a fault hits: a process, or the way between a service and a server. Services by their index. */
export type Target =
  | { readonly service: number; readonly server?: undefined }
  | { readonly server: BackendName; readonly service?: undefined }
  | { readonly service: number; readonly server: BackendName };

export interface Fault {
  /** Milliseconds after the round's begin. */
  readonly at: number;
  readonly kind: FaultKind;
  readonly target: Target;
  readonly durationMs: number;
  /** 0 ≤ chance < 1: decides what only shows when it happens, such as which consumer goes. */
  readonly chance: number;
}

export interface PlanOptions {
  /** The only kinds there are to be; all unless told. Kills are among all of them. */
  readonly kinds?: readonly FaultKind[];
  /** The only processes to be killed; all unless told. */
  readonly kill?: readonly Target[];
}

const SERVICES = [0, 1] as const;
const SERVERS = ["mariadb", "nats", "redis", "neighbours"] as const;

/** Which process is killed how often. */
const TO_KILL: readonly Target[] = [
  ...[{ service: 0 }, { service: 1 }, { server: "nats" }].flatMap((target) => [target, target, target] as Target[]),
  ...[{ server: "mariadb" }, { server: "redis" }, { server: "neighbours" }].flatMap(
    (target) => [target, target] as Target[],
  ),
];

/** Between two kills, and between two other faults, in milliseconds. */
const KILL_EVERY = [1_800, 3_800] as const;
const FAULT_EVERY = [1_200, 3_600] as const;

/** The load comes up before the first fault, and goes on after the last, for so long, in milliseconds. */
const QUIET_MS = 1_000;

/** After a fault its target is let be for a moment, in milliseconds: to come up, and to do something worth breaking. */
const REST_MS = 1_000;

/** As it is to be read by people; the same for the same target. */
export function targetName({ service, server }: Target): string {
  if (service === undefined) {
    return server;
  }
  const name = `service-${service + 1}`;
  return server === undefined ? name : `${name} to ${server}`;
}

/** All faults of a round in the order of their begin. A pure function: the same seed, the same plan. */
export function makePlan(seed: number, durationMs: number, { kinds, kill = TO_KILL }: PlanOptions = {}): Fault[] {
  const random = createRandom(seed);
  const isWanted = (kind: FaultKind) => kinds === undefined || kinds.includes(kind);
  const deck = (Object.keys(FAULT_KINDS) as FaultKind[])
    .filter(isWanted)
    .flatMap((kind) => Array(faultKind(kind).cards).fill(kind));
  const killed = createDeck(random, kill);
  const kills = isWanted("kill")
    ? times(random, durationMs, KILL_EVERY).map((at) => ({ at, kind: "kill" as const }))
    : [];
  const deal = createDeck<FaultKind>(random, deck);
  const others = deck.length > 0 ? times(random, durationMs, FAULT_EVERY).map((at) => ({ at, kind: deal() })) : [];

  const plan: Fault[] = [];
  /** Until when each target is busy with a fault. */
  const busy = new Map<string, number>();
  for (const { at, kind } of [...kills, ...others].toSorted((a, b) => a.at - b.at)) {
    const { lasts } = faultKind(kind);
    const wanted = randomBetween(random, lasts);
    const chance = random.next();
    const choose = () => (kind === "kill" ? killed() : targetOf(kind, random));
    const target = freeTarget(choose, (name) => (busy.get(name) ?? 0) <= at);
    const left = durationMs - QUIET_MS - at;
    if (target !== undefined && left >= lasts[0]) {
      const durationMs = Math.min(wanted, left);
      busy.set(targetName(target), at + durationMs + REST_MS);
      plan.push({ at, kind, target, durationMs, chance });
    }
  }
  return plan;
}

function times(random: Random, durationMs: number, every: readonly [low: number, high: number]): number[] {
  const found: number[] = [];
  for (let at = QUIET_MS + random.below(every[0]); at < durationMs - QUIET_MS; at += randomBetween(random, every)) {
    found.push(at);
  }
  return found;
}

/** A few tries: where all are busy, there is trouble enough. */
function freeTarget(choose: () => Target, isFree: (name: string) => boolean): Target | undefined {
  return Array.from({ length: 4 }, choose).find((target) => isFree(targetName(target)));
}

function targetOf(kind: FaultKind, random: Random): Target {
  const { hits } = faultKind(kind);
  const service = random.pick(SERVICES);
  const server = random.pick(SERVERS);
  switch (hits) {
    case "service":
      return { service };
    case "process":
      return random.chance(0.5) ? { server } : { service };
    case "way":
      return { service, server };
    case "way to mariadb":
      return { service, server: "mariadb" };
    case "way to nats":
      return { service, server: "nats" };
    default:
      return { server: hits as BackendName };
  }
}
