import type { OrderDatabase } from "../mysql/database.ts";
import { textList } from "../mysql/id-list.ts";
import { withRetries } from "../mysql/transaction.ts";

/**
 * Makes events due that nobody has tried yet: whoever looks for what is due takes them at the next look, and need not wait until they have
 * lain for too long.
 */
export async function setDue(
  db: OrderDatabase,
  pairs: readonly { readonly messageId: string; readonly action: string }[],
): Promise<void> {
  for (const [action, same] of Map.groupBy(pairs, (pair) => pair.action)) {
    await withRetries(() =>
      db
        .updateTable("oms_db.oms_action_ledger")
        .set({ next_attempt_time: db.clock.now() })
        .where("message_id", "in", textList(same.map(({ messageId }) => messageId)))
        .where("action", "=", action)
        .where("state", "=", "PENDING")
        .where("attempts_started", "=", 0)
        .execute(),
    );
  }
}
