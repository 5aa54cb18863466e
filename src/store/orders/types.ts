import type { Tracer } from "../../observability/tracing.ts";
import type { OrderDatabase } from "../mysql/database.ts";
import type { CommittedEvent, EventDeps } from "../outbox/outbox.ts";

/** What the changes outside the committer need. */
export interface ChangeDeps extends EventDeps {
  readonly db: OrderDatabase;
  /** Hears of the events right after the commit. Must not throw. */
  readonly onCommitted: (events: readonly CommittedEvent[]) => void;
  /** Undefined: nothing is traced. */
  readonly tracer?: Tracer | undefined;
}
