import type { Claims } from "../../../src/actions/effects/claims.ts";
import { bindHandlers, effects } from "../../../src/actions/registry.ts";
import type { OrderEvent } from "../../../src/domain/events.ts";
import { DEFAULT_ORDER_KINDS } from "../../../src/domain/order-kinds.ts";
import { createSystemClients } from "../../../src/integrations/clients.ts";
import { forEachSystem } from "../../../src/integrations/systems.ts";
import type { Publisher } from "../../../src/messaging/nats/publisher.ts";
import type { Action } from "../../../src/messaging/runner/action.ts";
import type { Logger } from "../../../src/observability/log.ts";
import type { OrderDatabase } from "../../../src/store/mysql/database.ts";
import { literal } from "../../../src/store/mysql/literals.ts";
import { NEVER_ABORTED } from "../../../src/transport/call.ts";
import type { BaselineConfig } from "./process.ts";

/** The effect of one of the service's Actions, without claims, ledger and retries. */
export type Effect = Pick<Action, "name" | "subjects" | "matches"> &
  (
    | {
        /** An SQL statement. */
        readonly statement: (event: OrderEvent) => string;
      }
    | {
        /** A call to an external system. */
        readonly send: (event: OrderEvent) => Promise<void>;
      }
  );

/** The baselines deduplicate by other means: every claim is granted. */
const NO_CLAIMS: Claims = {
  acquire: async () => ({ kind: "acquired", markDone: async () => {}, release: async () => {} }),
};

/** The effects of the six Actions: the same rows and messages. */
export function createEffects({
  db,
  publisher,
  log,
  config,
}: {
  readonly db: OrderDatabase;
  readonly publisher: Publisher;
  readonly log: Logger;
  readonly config: BaselineConfig;
}): readonly Effect[] {
  const { einvoiceUrl, financeUrl, messageUrl } = config;
  const { clients } = createSystemClients({
    // No effect calls the other systems.
    urls: { ...forEachSystem(() => financeUrl), einvoice: einvoiceUrl, finance: financeUrl, message: messageUrl },
    timeoutMs: 10_000,
    log,
    connections: 256,
  });
  const definitions = effects({ kinds: DEFAULT_ORDER_KINDS });
  return bindHandlers(definitions, { db, publisher, claims: NO_CLAIMS, systems: clients }).map((action) => {
    const statement = STATEMENTS[action.name];
    return statement === undefined
      ? withSend(action)
      : { ...action, statement: (event) => statement(db.location.prefix, event) };
  });
}

/** The effects in the database, each as one statement. */
const STATEMENTS: Readonly<Record<string, (prefix: string, event: OrderEvent) => string>> = {
  "settlement-push": settlementStatement,
  "gift-record": giftStatement,
};

function withSend(action: Action): Effect {
  return {
    ...action,
    async send(event) {
      const { messageId } = event;
      const result = await action.run(event, {
        messageId,
        number: 1,
        mayHaveSideEffects: false,
        traceparent: "",
        signal: NEVER_ABORTED,
      });
      if (result.kind !== "done") {
        throw new Error(`${action.name} of ${messageId}: ${result.reason}`);
      }
    },
  };
}

/** The order's lines by SKU, in the format of the settlement queue; null without lines. */
function lines(from: string, quantity: string): string {
  return (
    `(select concat('[', group_concat(concat('{"skuId":"', sku_id, '","quantity":', q, '}') order by sku_id), ']')` +
    ` from (select sku_id, ${quantity} as q from ${from} group by sku_id) g)`
  );
}

/** Inserts shipped quantities where recorded, otherwise ordered ones, in one statement. */
function settlementStatement(prefix: string, event: OrderEvent): string {
  const { orderId, messageId } = event;
  const status = event.type === "status-changed" ? event.toStatus : 0;
  const shipped = lines(
    `${prefix}oms_db.oms_order_detail_exp where order_id = ${orderId} and delivery_num is not null`,
    "max(delivery_num)",
  );
  const ordered = lines(`${prefix}oms_db.oms_order_detail where order_id = ${orderId}`, "sum(quantity)");
  return (
    `insert ignore into ${prefix}oms_db.oms_order_status_rule (order_id, order_status, message_id, settlement_lines, create_date)` +
    ` select ${orderId}, ${status}, ${literal(messageId)}, coalesce(${shipped}, ${ordered}, '[]'), ${literal(new Date())}`
  );
}

function giftStatement(prefix: string, { orderId }: OrderEvent): string {
  return (
    `update ${prefix}wmsindb.oms_gift_cust_record set gift_status = 1, update_date = ${literal(new Date())}` +
    ` where order_id = ${orderId}`
  );
}
