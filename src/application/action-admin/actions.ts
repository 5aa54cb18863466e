import { type InterventionRow, readInterventions } from "../../store/ledger/interventions.ts";
import type { OpenTotals } from "../../store/ledger/open-counts.ts";
import { type ActionPause, readActionPauses, setActionPaused } from "../../store/ledger/pauses.ts";
import { type AttemptTotals, readAttemptTotals } from "../../store/ledger/totals.ts";
import { type ActionEntry, readOrderEntries } from "../../store/reads/action-entries.ts";
import type { Actor } from "../context.ts";
import type { ActionInfo, OperationDeps } from "../deps.ts";
import { OperationError, orderNotFound } from "../errors.ts";
import { assertVisible, type Scoped } from "../order-scope.ts";
import { parsePageToken } from "../page-token.ts";

/**
 * The Action of a name.
 *
 * @throws OperationError "not-found"
 */
export function findAction({ actions }: OperationDeps, name: string): ActionInfo {
  const found = actions.find((action) => action.name === name);
  if (found === undefined) {
    const known = actions.map((action) => action.name).join(", ");
    throw new OperationError("not-found", `action: unknown Action ${JSON.stringify(name)}; known are ${known}`);
  }
  return found;
}

/** An Action with its totals. */
export interface ActionStatus {
  readonly info: ActionInfo;
  readonly open: OpenTotals;
  /** Undefined if it never ran. */
  readonly totals: AttemptTotals | undefined;
  /** Undefined if it is not paused. */
  readonly pause: ActionPause | undefined;
}

/** All Actions with their totals: effects, steps of the flows, and timers. */
export async function listActions({ db, actions, readOpenTotals }: OperationDeps): Promise<readonly ActionStatus[]> {
  const [open, totals, pauses] = await Promise.all([
    readOpenTotals(actions.map(({ name }) => name)),
    readAttemptTotals(db),
    readActionPauses(db),
  ]);
  return actions.map((info) => ({
    info,
    open: open.get(info.name) as OpenTotals,
    totals: totals.get(info.name),
    pause: pauses.get(info.name),
  }));
}

const MAX_ENTRIES = 1_000;

/**
 * The entries of an order's events, oldest event first; at most a thousand. A restricted caller
 * does not get the interventions: they describe events of other orders as well.
 */
export async function getOrderActions(
  deps: OperationDeps,
  { orderId }: { readonly orderId: bigint },
  context: Scoped,
): Promise<readonly ActionEntry[]> {
  const { db, readSnapshot } = deps;
  await assertVisible(deps, orderId, context);
  const entries = await readOrderEntries(db, orderId, MAX_ENTRIES);
  if (entries.length === 0 && (await readSnapshot(orderId)) === undefined) {
    throw orderNotFound(orderId);
  }
  return context.orderScope === undefined ? entries : entries.map((entry) => ({ ...entry, intervention: undefined }));
}

export interface PauseActionInput {
  readonly action: string;
  readonly operator: string;
  readonly reason: string;
}

/** Pauses an Action on all servers, or replaces the reason; false if it was paused already. */
export function pauseAction(deps: OperationDeps, input: PauseActionInput, context: Actor): Promise<boolean> {
  return setPaused(deps, "PAUSE", input, context);
}

/** Resumes an Action on all servers; false if it was not paused. */
export function resumeAction(deps: OperationDeps, input: PauseActionInput, context: Actor): Promise<boolean> {
  return setPaused(deps, "RESUME", input, context);
}

async function setPaused(
  deps: OperationDeps,
  kind: "PAUSE" | "RESUME",
  { action, operator, reason }: PauseActionInput,
  { caller, authenticatedOperator }: Actor,
): Promise<boolean> {
  const { name } = findAction(deps, action);
  return setActionPaused(deps.interventions, {
    kind,
    action: name,
    selection: "",
    caller,
    operator,
    authenticatedOperator,
    reason,
  });
}

export interface ListInterventionsInput {
  /** "" for all. */
  readonly action: string;
  /** 0 means 100. */
  readonly pageSize: number;
  /** "" for the first page. */
  readonly pageToken: string;
}

export interface ListInterventionsResult {
  readonly interventions: readonly InterventionRow[];
  /** "" on the last page. */
  readonly nextPageToken: string;
}

const DEFAULT_PAGE_SIZE = 100;

/** Interventions of operators, newest first. */
export async function listInterventions(
  deps: OperationDeps,
  { action, pageSize, pageToken }: ListInterventionsInput,
): Promise<ListInterventionsResult> {
  const size = pageSize === 0 ? DEFAULT_PAGE_SIZE : pageSize;
  const rows = await readInterventions(deps.db, {
    action: action === "" ? undefined : findAction(deps, action).name,
    below: pageToken === "" ? undefined : parsePageToken(pageToken),
    limit: size + 1,
  });
  const interventions = rows.slice(0, size);
  return { interventions, nextPageToken: rows.length > size ? String(interventions.at(-1)?.id) : "" };
}
