import type { OrderEvent } from "../../domain/events.ts";
import { Status } from "../../domain/state-machine.ts";

/** What a marketplace is notified of, and under which topic. */
export interface Notification {
  /** The last part of the subject, for example "shipped". */
  readonly topic: string;
  /** What the marketplace shows its customer, in Chinese. */
  readonly text: string;
  readonly orderStatus: number;
  readonly version: number;
  readonly occurTime: Date;
  readonly deliveryId?: string;
  readonly deliveryCompany?: string;
  readonly waybillNo?: string;
}

type Texts = Readonly<Partial<Record<Status, string>>>;

/** The topics of status changes, with a text for each status that marketplaces are notified of. */
const STATUS_TOPICS: Readonly<Record<string, Texts>> = {
  preparing: {
    [Status.PAID]: "订单已付款",
    [Status.APPROVED]: "订单审核通过，正在备货",
    [Status.SPLIT]: "订单已拆分为多个包裹",
    [Status.ERP_ALLOCATED]: "商品已预留库存",
    [Status.WMS_DISPATCHED]: "订单已下发仓库",
  },
  warehouse: {
    [Status.WMS_ACCEPTED]: "仓库已接单",
    [Status.PICKING]: "仓库正在拣货",
    [Status.PACKED]: "包裹已打包完成",
  },
  shipped: {
    [Status.HANDED_OVER]: "包裹已出库，已交给承运商",
  },
  delivering: {
    [Status.IN_TRANSIT]: "包裹运输中",
    [Status.OUT_FOR_DELIVERY]: "配送员正在派送",
  },
  delivered: {
    [Status.DELIVERED]: "订单已妥投",
  },
  failed: {
    [Status.REJECTED]: "客户拒收",
    [Status.DELIVERY_FAILED]: "配送失败",
    [Status.LOST]: "包裹丢失",
  },
  cancelled: {
    [Status.CANCELLED]: "订单已取消",
  },
};

const TEXT_BY_STATUS: ReadonlyMap<number, { readonly topic: string; readonly text: string }> = new Map(
  Object.entries(STATUS_TOPICS).flatMap(([topic, texts]) =>
    Object.entries(texts).map(([status, text]) => [Number(status), { topic, text }]),
  ),
);

/** The notification of an event; undefined where marketplaces are not notified of it. */
export function notificationOf(event: OrderEvent): Notification | undefined {
  switch (event.type) {
    case "status-changed": {
      const { toStatus: orderStatus, version, occurTime } = event;
      const found = TEXT_BY_STATUS.get(orderStatus);
      return found && { ...found, orderStatus, version, occurTime };
    }
    // The warehouse changed the carrier (legacy operation 14).
    case "delivery-changed": {
      const { deliveryId, deliveryCompany, waybillNo, recordTime: occurTime } = event;
      const text = `承运商已变更为${deliveryCompany}，运单号${waybillNo}`;
      const unchanged = { orderStatus: 0, version: 0 };
      return { topic: "carrier", text, ...unchanged, occurTime, deliveryId, deliveryCompany, waybillNo };
    }
    default:
      return undefined;
  }
}
