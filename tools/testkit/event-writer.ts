import type { OrderEvent } from "../../src/domain/events.ts";
import { DEFAULT_ORDER_KINDS } from "../../src/domain/order-kinds.ts";
import { createCommitter } from "../../src/store/commit/committer.ts";
import type { OrderDatabase } from "../../src/store/mysql/database.ts";
import type { CommittedEvent, EventDeps } from "../../src/store/outbox/outbox.ts";

/** Commits events by themselves, as a change of an order commits its own. */
export interface EventWriter {
  /** @param events at least one */
  commit(events: readonly OrderEvent[]): Promise<readonly CommittedEvent[]>;
  close(): Promise<void>;
}

/** Opens an event writer with connections of its own. */
export function openEventWriter(
  db: OrderDatabase,
  { lanes = 1, ...deps }: EventDeps & { readonly lanes?: number },
): EventWriter {
  /** By message id: the committed events that are handed over after the answer. */
  const waiting = new Map<string, (event: CommittedEvent) => void>();
  const committer = createCommitter({
    db,
    kinds: DEFAULT_ORDER_KINDS,
    ...deps,
    lanes,
    onCommitted(committed) {
      for (const one of committed) {
        waiting.get(one.event.messageId)?.(one);
        waiting.delete(one.event.messageId);
      }
    },
  });
  return {
    async commit(events) {
      const [{ orderId, ...cause }] = events as [OrderEvent];
      const committed = events.map(
        ({ messageId }) => new Promise<CommittedEvent>((resolve) => waiting.set(messageId, resolve)),
      );
      await committer.change({
        kind: "change",
        orderId,
        cause,
        requestId: "",
        contentDigest: Buffer.alloc(0),
        reads: {},
        decide: () => ({ result: undefined, events }),
      });
      return Promise.all(committed);
    },
    close: () => committer.close(),
  };
}
