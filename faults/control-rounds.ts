import { join } from "node:path";
import { type Fault, makePlan } from "./plan.ts";

/** A run in which something is built the wrong way: the checkers must find that events' effects are lost, or they are worth nothing. */
export interface Control {
  readonly name: string;
  /** What stands in the service's place. */
  readonly main: string;
  /** How long the neighbours take for what the Actions ask of them, in milliseconds: so long each effect is under way, and can be killed. */
  readonly effectMs: number;
  readonly plan: (seed: number, durationMs: number) => readonly Fault[];
}

const mainOf = (name: string) => join(import.meta.dirname, "controls", `${name}.ts`);

export const CONTROLS: readonly Control[] = [
  {
    name: "Actions inline, one shared SETNX",
    main: mainOf("old-way"),
    effectMs: 1_200,
    plan: (seed, durationMs) => makePlan(seed, durationMs, { kinds: ["kill"], kill: [{ service: 0 }, { service: 1 }] }),
  },
  {
    name: "a relay without ledger and republishing",
    main: mainOf("no-ledger"),
    effectMs: 0,
    plan: (_seed, durationMs) =>
      [1 / 3, 2 / 3].map((share) => ({
        at: Math.round(durationMs * share),
        kind: "JetStream directory deleted, killed",
        target: { server: "nats" },
        durationMs: 500,
        chance: 0,
      })),
  },
];

/** Has the neighbours of the Actions take that long. */
export async function delayStubSystems(stubSystemsUrl: string, effectMs: number): Promise<void> {
  for (const system of effectMs === 0 ? [] : ["einvoice", "finance", "message"]) {
    await fetch(`${stubSystemsUrl}/control`, {
      method: "POST",
      body: JSON.stringify({ system, mode: "slow", delayMs: effectMs }),
    });
  }
}
