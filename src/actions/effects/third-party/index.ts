import type { NotificationTopic } from "./adapter.ts";
import { cancelled } from "./cancelled.ts";
import { carrier } from "./carrier.ts";
import { delivered } from "./delivered.ts";
import { delivering } from "./delivering.ts";
import { failed } from "./failed.ts";
import { preparing } from "./preparing.ts";
import { shipped } from "./shipped.ts";
import { warehouse } from "./warehouse.ts";

/** All that marketplaces are told: one row a family. */
export const TOPICS: readonly NotificationTopic[] = [
  preparing,
  warehouse,
  shipped,
  delivering,
  delivered,
  failed,
  cancelled,
  carrier,
];
