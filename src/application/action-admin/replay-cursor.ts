import type { ActionInfo } from "../deps.ts";
import { invalidPageToken } from "../page-token.ts";

/**
 * A period is replayed in phases: what is to be tried again later, what waits for its first time, what is parked, what was discarded, and
 * what the history has and the ledger has not. Orders are replayed in one.
 */
type Phase = "orders" | "retrying" | "pending" | "parked" | "discarded" | "history";

/** How far a replay has come. */
export interface ReplayCursor {
  readonly phase: Phase;
  /** The last one that was looked at: an order, a ledger row, a history row; undefined at the beginning of a phase. */
  readonly id?: bigint;
  /** When that ledger row was due, where the phase goes by that. */
  readonly due?: Date;
}

const PHASES: readonly Phase[] = ["retrying", "pending", "parked", "discarded", "history"];

/** See `replay` for why a timer has fewer. */
function phasesOf({ kind }: ActionInfo, ofPeriod: boolean): readonly Phase[] {
  if (!ofPeriod) {
    return ["orders"];
  }
  return kind === "timer" ? PHASES.filter((phase) => phase !== "pending" && phase !== "history") : PHASES;
}

export function firstPhase(action: ActionInfo, ofPeriod: boolean): ReplayCursor {
  return { phase: phasesOf(action, ofPeriod)[0] as Phase };
}

/** The beginning of the next phase; undefined after the last one. */
export function phaseAfter(action: ActionInfo, ofPeriod: boolean, { phase }: ReplayCursor): ReplayCursor | undefined {
  const phases = phasesOf(action, ofPeriod);
  const next = phases[phases.indexOf(phase) + 1];
  return next && { phase: next };
}

export function formatReplayToken({ phase, id, due }: ReplayCursor): string {
  return `${phase}:${id ?? ""}:${due?.getTime() ?? ""}`;
}

const TOKEN = /^([a-z]+):(\d{0,18}):(\d{0,14})$/;

export function parseReplayToken(action: ActionInfo, ofPeriod: boolean, token: string): ReplayCursor {
  const [, name, id, due] = TOKEN.exec(token) ?? [];
  const phase = phasesOf(action, ofPeriod).find((one) => one === name);
  if (phase === undefined) {
    throw invalidPageToken(token);
  }
  return { phase, ...(id && { id: BigInt(id) }), ...(due && { due: new Date(Number(due)) }) };
}
