import type { ChangeTracker } from "../store/commit/types.ts";

/** What an operation knows of the call that it answers, whichever way it came in. Its changes say to it where they are. */
export interface CallContext extends ChangeTracker {
  /** Names the call in logs and in the answer to a bug. */
  readonly callId: string;
  /** The calling system; "anonymous" where it does not say. */
  readonly caller: string;
  /** The states that the caller may report, by their codes; undefined: all. */
  readonly reportableStatuses: ReadonlySet<number> | undefined;
  /** The W3C trace the call belongs to; empty where the caller sent none. */
  readonly traceparent: string;
  /** When the caller stops waiting. A change that has not begun by then is not made. */
  readonly deadline: Date | undefined;
  /** Aborted when nobody listens any more. For streams only: a change under way is never given up. */
  readonly signal: AbortSignal;
}
