import type { ActionInfo } from "../deps.ts";
import { invalidPageToken } from "../page-token.ts";

/**
 * A period is replayed in phases: entries that are retried later, that wait for their first
 * attempt, that are parked, that were discarded, and changes in the history without an entry.
 * Orders are replayed in one phase.
 */
type Phase = "orders" | "retrying" | "pending" | "parked" | "discarded" | "history";

/** Position of a replay. */
export interface ReplayCursor {
  readonly phase: Phase;
  /**
   * The last one processed: an order, a ledger row or a history row; undefined at the start of a
   * phase.
   */
  readonly id?: bigint;
  /** Due time of that ledger row, in phases that are ordered by it. */
  readonly due?: Date;
}

const PHASES: readonly Phase[] = ["retrying", "pending", "parked", "discarded", "history"];

/** A timer has fewer phases, see `replay`. */
function phasesOf({ kind }: ActionInfo, ofPeriod: boolean): readonly Phase[] {
  if (!ofPeriod) {
    return ["orders"];
  }
  return kind === "timer" ? PHASES.filter((phase) => phase !== "pending" && phase !== "history") : PHASES;
}

export function firstPhase(action: ActionInfo, ofPeriod: boolean): ReplayCursor {
  return { phase: phasesOf(action, ofPeriod)[0] as Phase };
}

/** Start of the next phase; undefined after the last one. */
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
