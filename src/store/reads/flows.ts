import { type Kysely, sql } from "kysely";
import { currentStep, FLOW_STEPS, type FlowStep, type StepRun } from "../../domain/flow.ts";
import type { OrderScope } from "../../domain/order-scope.ts";
import type { PassedStates } from "../../domain/passed-states.ts";
import { createBatcher } from "../../lib/batcher.ts";
import { idList } from "../mysql/literals.ts";
import type { OrderLine } from "../orders/order-lines.ts";
import { isSet } from "../orders/order-row.ts";
import type { Database } from "../schema.ts";

/** An order as a step of the forward flow reads it. */
export interface FlowOrder {
  readonly orderId: bigint;
  readonly status: number;
  readonly paused: boolean;
  readonly version: number;
  readonly warehouseCount: number;
  readonly passed: PassedStates;
  readonly lines: readonly OrderLine[];
}

/** Maximum number of orders in one query. */
const MAX_BATCH = 256;

/**
 * Reads an order for a step. Concurrent calls share one query for the orders and one for their
 * lines.
 */
export function flowOrderReader(db: Kysely<Database>): (orderId: bigint) => Promise<FlowOrder | undefined> {
  return createBatcher(
    async (orderIds) => {
      const found = await readFlowOrders(db, [...new Set(orderIds)]);
      return orderIds.map((orderId) => found.get(orderId));
    },
    { maxBatch: MAX_BATCH },
  );
}

async function readFlowOrders(db: Kysely<Database>, orderIds: readonly bigint[]): Promise<Map<bigint, FlowOrder>> {
  // The order first: lines are inserted with the order and never change.
  const orders = await db
    .selectFrom("oms_db.oms_order_status")
    .select(["order_id", "order_status", "is_pause", "version", "warehouse_count", "passed_states"])
    .where("order_id", "in", idList(orderIds))
    .execute();
  const rows = await db
    .selectFrom("oms_db.oms_order_line")
    .select(["order_id", "sku_id", "warehouse_id", "quantity"])
    .where("order_id", "in", idList(orderIds))
    .execute();
  const lines = Map.groupBy(rows, ({ order_id }) => order_id);
  return new Map(
    orders.map((row) => [
      row.order_id,
      {
        orderId: row.order_id,
        status: Number(row.order_status),
        paused: isSet(row.is_pause),
        version: row.version,
        warehouseCount: row.warehouse_count,
        passed: row.passed_states,
        lines: (lines.get(row.order_id) ?? []).map((line) => ({
          skuId: line.sku_id,
          quantity: line.quantity,
          warehouseId: line.warehouse_id,
        })),
      },
    ]),
  );
}

/** An order submitted to this service, with the last run of its current step. */
export interface FlowRow {
  readonly orderId: bigint;
  readonly status: number;
  readonly paused: boolean;
  readonly warehouseCount: number;
  readonly orderSource: number;
  readonly createTime: Date;
  readonly run: StepRun | undefined;
}

/** Selects orders, by descending id. */
export interface FlowSearch {
  /** Only orders with a lower id. */
  readonly below: bigint | undefined;
  readonly limit: number;
  /** Only orders in these states; all if absent. */
  readonly statuses?: readonly number[];
  readonly paused?: boolean;
}

/** Undefined if no such order was submitted to this service. */
export async function readFlowRow(db: Kysely<Database>, orderId: bigint): Promise<FlowRow | undefined> {
  const rows = await selectFlows(db).where("s.order_id", "=", orderId).execute();
  return (await withRuns(db, rows))[0];
}

/** Orders submitted to this service, by descending id. */
export async function readFlowRows(
  db: Kysely<Database>,
  { below, limit, statuses, paused }: FlowSearch,
): Promise<FlowRow[]> {
  const rows = await selectFlows(db)
    .$if(below !== undefined, (query) => query.where("s.order_id", "<", below as bigint))
    .$if(statuses !== undefined, (query) => query.where("s.order_status", "in", statuses as number[]))
    .$if(paused !== undefined, (query) => query.where("s.is_pause", "=", Number(paused)))
    .orderBy("s.order_id", "desc")
    .limit(limit)
    .execute();
  return withRuns(db, rows);
}

/** Ids of the orders in the scope that each order was split into, ascending, by parent. */
export async function readChildren(
  db: Kysely<Database>,
  orderIds: readonly bigint[],
  scope: OrderScope,
): Promise<ReadonlyMap<bigint, bigint[]>> {
  if (orderIds.length === 0) {
    return new Map();
  }
  const rows = await db
    .selectFrom("oms_db.oms_order_main")
    .select(["order_id", "parent_id"])
    .where("parent_id", "in", idList(orderIds))
    .$if(scope !== undefined, (query) => query.where("order_source", "in", [...(scope ?? [])]))
    .orderBy("order_id")
    .execute();
  const groups = Map.groupBy(rows, ({ parent_id }) => parent_id as bigint);
  return new Map([...groups].map(([parent, children]) => [parent, children.map(({ order_id }) => order_id)]));
}

/** Only orders submitted to this service have lines by warehouse. */
function selectFlows(db: Kysely<Database>) {
  return db
    .selectFrom("oms_db.oms_order_status as s")
    .innerJoin("oms_db.oms_order_main as m", "m.order_id", "s.order_id")
    .select(["s.order_id", "s.order_status", "s.is_pause", "s.warehouse_count", "m.order_source", "m.create_date"])
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom("oms_db.oms_order_line as l").select(sql`1`.as("one")).whereRef("l.order_id", "=", "s.order_id"),
      ),
    );
}

type Selected = Awaited<ReturnType<ReturnType<typeof selectFlows>["execute"]>>[number];

async function withRuns(db: Kysely<Database>, rows: readonly Selected[]): Promise<FlowRow[]> {
  const runs = await readLastRuns(
    db,
    rows.map(({ order_id }) => order_id),
  );
  return rows.map((row) => {
    const status = Number(row.order_status);
    return {
      orderId: row.order_id,
      status,
      paused: isSet(row.is_pause),
      warehouseCount: row.warehouse_count,
      orderSource: Number(row.order_source),
      createTime: row.create_date ?? new Date(0),
      run: runs.get(`${row.order_id} ${currentStep({ status, warehouseCount: row.warehouse_count })}`),
    };
  });
}

/** The last run of each step, by order and step: a resume runs a step again. */
async function readLastRuns(db: Kysely<Database>, orderIds: readonly bigint[]): Promise<Map<string, StepRun>> {
  if (orderIds.length === 0) {
    return new Map();
  }
  const rows = await db
    .selectFrom("oms_db.oms_action_ledger")
    .select(["order_id", "action", "state", "attempts_started", "last_error", "next_attempt_time"])
    .where("order_id", "in", idList(orderIds))
    .where("action", "in", Object.keys(FLOW_STEPS))
    .orderBy("id")
    .execute();
  return new Map(
    rows.map((row) => [
      `${row.order_id} ${row.action}`,
      {
        state: row.state,
        attempts: row.attempts_started,
        lastError: row.last_error ?? "",
        nextTime: row.next_attempt_time,
      },
    ]),
  );
}

/** The ledger id of the last run of an order's step; undefined where none has started. */
export async function readLastRunId(
  db: Kysely<Database>,
  orderId: bigint,
  step: FlowStep,
): Promise<bigint | undefined> {
  const last = await db
    .selectFrom("oms_db.oms_action_ledger")
    .select("id")
    .where("order_id", "=", orderId)
    .where("action", "=", step)
    .orderBy("id", "desc")
    .limit(1)
    .executeTakeFirst();
  return last?.id;
}
