import type { OrderKinds } from "../../domain/order-kinds.ts";
import type { ExternalClient } from "../../integrations/external-client.ts";
import type { Publisher } from "../../messaging/nats/publisher.ts";
import type { Action } from "../../messaging/runner/action.ts";
import type { OrderDatabase } from "../../store/mysql/database.ts";
import type { Claims } from "./claims.ts";
import { customerMessage } from "./customer-message.ts";
import { eInvoice } from "./e-invoice.ts";
import { financePush } from "./finance-push.ts";
import { giftRecord } from "./gift-record.ts";
import { settlementPush } from "./settlement-push.ts";
import { thirdPartyNotify } from "./third-party-notify.ts";

/** What Actions may need. */
export interface EffectDeps {
  readonly db: OrderDatabase;
  readonly kinds: OrderKinds;
  readonly publisher: Publisher;
  readonly claims: Claims;
  readonly einvoice: ExternalClient;
  readonly finance: ExternalClient;
  readonly message: ExternalClient;
}

/** All Actions: one row each. A new one begins with its file beside this one. */
export function createEffects(deps: EffectDeps): readonly Action[] {
  return [
    thirdPartyNotify(deps),
    settlementPush(deps),
    giftRecord(deps),
    eInvoice(deps),
    financePush(deps),
    customerMessage(deps),
  ];
}
