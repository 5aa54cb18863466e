import { type ActionEntry, ActionState, ActionStateSchema } from "../../gen/oms/operations/v1/action_service_pb.ts";
import { clean, formatDue, formatTime, wordOf } from "./format.ts";
import { type Column, formatTable, type Tone } from "./table.ts";
import { terminal } from "./terminal.ts";

const TONES: Partial<Record<ActionState, Tone>> = {
  [ActionState.DONE]: "green",
  [ActionState.RETRYING]: "yellow",
  [ActionState.PARKED]: "red",
  [ActionState.DISCARDED]: "dim",
};

/** Columns of ledger entries: an event, an Action and the state of its delivery. */
export const entryColumns = {
  event: { title: "event", cell: ({ messageId }) => clean(messageId) },
  order: { title: "order", cell: ({ orderId }) => String(orderId), align: "right" },
  action: { title: "Action", cell: ({ action }) => clean(action) },
  state: {
    title: "state",
    cell: ({ state }) => wordOf(ActionStateSchema, state),
    tone: ({ state }) => TONES[state],
  },
  attempts: { title: "attempts", cell: ({ attempts }) => String(attempts), align: "right" },
  committed: { title: "committed", cell: ({ firstTime }) => formatTime(firstTime) },
  finished: { title: "finished", cell: ({ finishTime }) => formatTime(finishTime) },
  due: { title: "next attempt", cell: ({ nextAttemptTime }) => formatDue(nextAttemptTime) },
  lastError: { title: "last error", cell: ({ lastError }) => clean(lastError), flexible: true },
} as const satisfies Record<string, Column<ActionEntry>>;

/** Parked entries as a table. */
export function parkedTable(entries: readonly ActionEntry[]): string {
  const { event, order, attempts, committed, finished, lastError } = entryColumns;
  return formatTable<ActionEntry>(
    [event, order, attempts, committed, { ...finished, title: "parked" }, lastError],
    entries,
    terminal,
  );
}
