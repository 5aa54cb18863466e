import type { FlowStep } from "../../domain/flow.ts";
import type { Intervention } from "../ledger/interventions.ts";
import { redrive } from "../ledger/redrive.ts";
import type { ChangeDeps } from "./types.ts";

/**
 * Has the last run of an order's step run now, where it waits for its next try or was given up. A run that is under way stays as it
 * is. One that was given up gets a full new round of attempts.
 */
export async function retryStep(
  deps: ChangeDeps,
  orderId: bigint,
  step: FlowStep,
  by: Pick<Intervention, "caller" | "operator">,
): Promise<void> {
  const last = await deps.db
    .selectFrom("oms_db.oms_action_ledger")
    .select("id")
    .where("order_id", "=", orderId)
    .where("action", "=", step)
    .orderBy("id", "desc")
    .limit(1)
    .executeTakeFirst();
  if (last !== undefined) {
    await redrive(deps, [last.id], ["RETRYING", "PARKED", "DISCARDED"], {
      kind: "RETRY",
      action: step,
      selection: `order ${orderId}, by RetryOrderFlow`,
      reason: "",
      ...by,
    });
  }
}
