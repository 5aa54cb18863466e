/** The target of an attack. */
export interface Target {
  readonly port: number;
  /** Content type of requests. */
  readonly type: string;
  /** The attacker's address. */
  readonly address: string;
  /** Header `authorization` of requests; undefined: the attacker has no credentials. */
  readonly authorization: string | undefined;
  readonly signal: AbortSignal;
}

/** The effects that an attacker observed. */
export interface AttackResult {
  /** Writes or requests, their bytes, and the connections used. */
  sent: number;
  bytes: number;
  connections: number;
  /** Counts of how connections ended: "goaway 11", "closed", "open". */
  readonly ends: Record<string, number>;
  /** Counts of the codes of reset streams. */
  readonly resets: Record<string, number>;
  /** Counts of status lines or codes of responses. */
  readonly statuses: Record<string, number>;
}

/** Runs until the signal of its target, and adds to the result what it observes. */
export type Attack = (target: Target, result: AttackResult) => Promise<void>;

export const NO_EFFECT: AttackResult = { sent: 0, bytes: 0, connections: 0, ends: {}, resets: {}, statuses: {} };

export function count(counts: Record<string, number>, what: string): void {
  counts[what] = (counts[what] ?? 0) + 1;
}
