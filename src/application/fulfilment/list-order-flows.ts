import { FLOW_STEPS, type FlowState, type FlowStep } from "../../domain/flow.ts";
import { Status } from "../../domain/state-machine.ts";
import { type FlowRow, type FlowSearch, readChildren, readFlowRows } from "../../store/reads/flows.ts";
import type { OperationDeps } from "../deps.ts";
import { invalidField } from "../errors.ts";
import { flowStatusOf, type OrderFlow, toOrderFlow } from "./order-flow.ts";

export interface ListOrderFlowsInput {
  /** Undefined: in any. */
  readonly state: FlowState | undefined;
  /** "payment" or a step; "": at any. */
  readonly step: string;
  /** 0: the default. */
  readonly pageSize: number;
  /** "" for the first page. */
  readonly pageToken: string;
}

export interface ListOrderFlowsResult {
  readonly flows: readonly OrderFlow[];
  /** "" on the last page. */
  readonly nextPageToken: string;
}

const DEFAULT_PAGE_SIZE = 100;

/** Orders that are looked at for one page: a page may be short, or empty, with more behind its token. */
const MAX_LOOKED_AT = 5_000;
const ORDERS_PER_QUERY = 500;

/** The orders that the flow moves, newest id first. */
export async function listOrderFlows(deps: OperationDeps, input: ListOrderFlowsInput): Promise<ListOrderFlowsResult> {
  const { state, step } = input;
  const pageSize = input.pageSize === 0 ? DEFAULT_PAGE_SIZE : input.pageSize;
  const search = searchOf(input);
  const found: FlowRow[] = [];
  let below = readToken(input.pageToken);
  let more = true;
  for (let lookedAt = 0; more && found.length < pageSize && lookedAt < MAX_LOOKED_AT; lookedAt += ORDERS_PER_QUERY) {
    const rows = await readFlowRows(deps.db, { ...search, below, limit: ORDERS_PER_QUERY });
    more = rows.length === ORDERS_PER_QUERY;
    for (const row of rows) {
      if (found.length === pageSize) {
        more = true;
        break;
      }
      below = row.orderId;
      const position = flowStatusOf(deps, row);
      if ((state ?? position.state) === position.state && (step === "" || step === position.step)) {
        found.push(row);
      }
    }
  }
  const children = await readChildren(
    deps.db,
    found.map(({ orderId }) => orderId),
  );
  return {
    flows: found.map((row) => toOrderFlow(deps, row, children.get(row.orderId) ?? [])),
    nextPageToken: more && below !== undefined ? String(below) : "",
  };
}

/** What the database can leave out by itself. */
function searchOf({ state, step }: ListOrderFlowsInput): Pick<FlowSearch, "statuses" | "paused"> {
  const paused = state === "PAUSED" ? { paused: true } : {};
  if (step === "payment" || state === "WAITING") {
    return { ...paused, statuses: [Status.CREATED] };
  }
  if (step !== "") {
    return { ...paused, statuses: [FLOW_STEPS[step as FlowStep].startsAt] };
  }
  return state === undefined || state === "DONE"
    ? paused
    : { ...paused, statuses: [...new Set(Object.values(FLOW_STEPS).map(({ startsAt }) => startsAt))] };
}

function readToken(token: string): bigint | undefined {
  if (token === "") {
    return undefined;
  }
  if (!/^[1-9]\d{0,18}$/.test(token)) {
    throw invalidField("page_token", `must come from the page before, was ${JSON.stringify(token)}`);
  }
  return BigInt(token);
}
