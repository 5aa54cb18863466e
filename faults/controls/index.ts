import { join } from "node:path";
import { type Fault, makePlan } from "../plan.ts";

/**
 * A negative control: a deliberately wrong implementation whose lost effects the checkers must
 * find.
 */
export interface Control {
  readonly name: string;
  /** Program that replaces the service. */
  readonly main: string;
  /**
   * Response time of the stub systems in milliseconds, so that a kill can hit an effect in
   * progress.
   */
  readonly effectMs: number;
  readonly plan: (seed: number, durationMs: number) => readonly Fault[];
}

const mainOf = (name: string) => join(import.meta.dirname, `${name}.ts`);

export const CONTROLS: readonly Control[] = [
  {
    name: "inline Actions, one shared SETNX",
    main: mainOf("inline-actions"),
    effectMs: 1_200,
    plan: (seed, durationMs) => makePlan(seed, durationMs, { kinds: ["kill"], kill: [{ service: 0 }, { service: 1 }] }),
  },
  {
    name: "relay without ledger and republishing",
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

/** Sets the response time of the stub systems that Actions call. */
export async function delayStubSystems(stubSystemsUrl: string, effectMs: number): Promise<void> {
  for (const system of effectMs === 0 ? [] : ["einvoice", "finance", "message"]) {
    await fetch(`${stubSystemsUrl}/control`, {
      method: "POST",
      body: JSON.stringify({ system, mode: "slow", delayMs: effectMs }),
    });
  }
}
