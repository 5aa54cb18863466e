import type { OrderEvent, StatusChanged } from "../../../domain/events.ts";
import type { Status } from "../../../domain/state-machine.ts";

/** What a marketplace is told of an event. */
export interface Notification {
  /** What the marketplace shows its customer, in Chinese. */
  readonly text: string;
  readonly orderStatus: number;
  readonly version: number;
  readonly occurTime: Date;
  readonly deliveryId?: string;
  readonly deliveryCompany?: string;
  readonly waybillNo?: string;
}

/** Speaks for one family of events. */
export interface NotificationTopic {
  /** The last part of the subject, for example "shipped". */
  readonly topic: string;
  /** Undefined for an event of another family. */
  translate(event: OrderEvent): Notification | undefined;
}

/** A family of status changes: a text for each status that it knows. */
export function statusTopic(family: string, texts: Readonly<Partial<Record<Status, string>>>): NotificationTopic {
  const textOf = (event: StatusChanged) => texts[event.toStatus as Status];
  return {
    topic: family,
    translate(event) {
      const text = event.type === "status-changed" ? textOf(event) : undefined;
      if (event.type !== "status-changed" || text === undefined) {
        return undefined;
      }
      const { toStatus: orderStatus, version, occurTime } = event;
      return { text, orderStatus, version, occurTime };
    },
  };
}
