import type { SystemClients } from "../../integrations/clients.ts";
import type { Publisher } from "../../messaging/nats/publisher.ts";
import type { OrderDatabase } from "../../store/mysql/database.ts";
import type { Claims } from "./claims.ts";

/** What the handlers of effects work with. */
export interface EffectDeps {
  readonly db: OrderDatabase;
  readonly publisher: Pick<Publisher, "publishOnce">;
  readonly claims: Claims;
  readonly systems: SystemClients;
}
