import { type InterventionRow, readInterventions } from "../../store/ledger/interventions.ts";
import type { OpenTotals } from "../../store/ledger/open-counts.ts";
import { type ActionPause, readActionPauses, setActionPaused } from "../../store/ledger/pauses.ts";
import { type AttemptTotals, readAttemptTotals } from "../../store/ledger/totals.ts";
import { type ActionEntry, readOrderEntries } from "../../store/reads/action-entries.ts";
import type { CallContext } from "../context.ts";
import type { ActionInfo, OperationDeps } from "../deps.ts";
import { OperationError, orderNotFound } from "../errors.ts";
import { parsePageToken } from "../page-token.ts";

/** The Action of that name. */
export function findAction({ actions }: OperationDeps, name: string): ActionInfo {
  const found = actions.find((action) => action.name === name);
  if (found === undefined) {
    const known = actions.map((action) => action.name).join(", ");
    throw new OperationError("not-found", `action: there is no Action ${JSON.stringify(name)}; there are ${known}`);
  }
  return found;
}

/** An Action and how it does. */
export interface ActionStatus {
  readonly info: ActionInfo;
  readonly open: OpenTotals;
  /** Undefined where it has never done anything. */
  readonly totals: AttemptTotals | undefined;
  /** Undefined where it is not held. */
  readonly pause: ActionPause | undefined;
}

/** How each Action does: the Actions proper, the flows' steps, the timers. */
export async function listActions({ db, actions, readOpenSums }: OperationDeps): Promise<readonly ActionStatus[]> {
  const [open, ended, holds] = await Promise.all([
    readOpenSums(actions.map(({ name }) => name)),
    readAttemptTotals(db),
    readActionPauses(db),
  ]);
  return actions.map((info) => ({
    info,
    open: open.get(info.name) as OpenTotals,
    totals: ended.get(info.name),
    pause: holds.get(info.name),
  }));
}

const MAX_ENTRIES = 1_000;

/** What the Actions made of an order's events, oldest event first; the first thousand. */
export async function getOrderActions(
  { db, readSnapshot }: OperationDeps,
  { orderId }: { readonly orderId: bigint },
): Promise<readonly ActionEntry[]> {
  const entries = await readOrderEntries(db, orderId, MAX_ENTRIES);
  if (entries.length === 0 && (await readSnapshot(orderId)) === undefined) {
    throw orderNotFound(orderId);
  }
  return entries;
}

export interface PauseActionInput {
  readonly action: string;
  readonly operator: string;
  readonly reason: string;
}

/** Holds an Action on all servers, or replaces the reason; false where it was held before. */
export function pauseAction(
  deps: OperationDeps,
  input: PauseActionInput,
  context: Pick<CallContext, "caller">,
): Promise<boolean> {
  return turn(deps, "PAUSE", input, context);
}

/** Lets a held Action go on; false where it was not held. */
export function resumeAction(
  deps: OperationDeps,
  input: PauseActionInput,
  context: Pick<CallContext, "caller">,
): Promise<boolean> {
  return turn(deps, "RESUME", input, context);
}

async function turn(
  deps: OperationDeps,
  kind: "PAUSE" | "RESUME",
  { action, operator, reason }: PauseActionInput,
  { caller }: Pick<CallContext, "caller">,
): Promise<boolean> {
  const { name } = findAction(deps, action);
  return setActionPaused(deps.changes, { kind, action: name, selection: "", caller, operator, reason });
}

export interface ListInterventionsInput {
  /** "" for all. */
  readonly action: string;
  /** 0 means 100. */
  readonly pageSize: number;
  /** "" for the first page. */
  readonly pageToken: string;
}

export interface ListInterventionsAnswer {
  readonly interventions: readonly InterventionRow[];
  /** "" on the last page. */
  readonly nextPageToken: string;
}

const DEFAULT_PAGE_SIZE = 100;

/** Who did what about the Actions and why, newest first. */
export async function listInterventions(
  deps: OperationDeps,
  { action, pageSize, pageToken }: ListInterventionsInput,
): Promise<ListInterventionsAnswer> {
  const size = pageSize === 0 ? DEFAULT_PAGE_SIZE : pageSize;
  const rows = await readInterventions(deps.db, {
    action: action === "" ? undefined : findAction(deps, action).name,
    below: pageToken === "" ? undefined : parsePageToken(pageToken),
    limit: size + 1,
  });
  const interventions = rows.slice(0, size);
  return { interventions, nextPageToken: rows.length > size ? String(interventions.at(-1)?.id) : "" };
}
