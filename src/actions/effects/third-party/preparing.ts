import { Status } from "../../../domain/state-machine.ts";
import { statusTopic } from "./adapter.ts";

/** Before the warehouse: paid, approved, split, allocated, dispatched. */
export const preparing = statusTopic("preparing", {
  [Status.PAID]: "订单已付款",
  [Status.APPROVED]: "订单审核通过，正在备货",
  [Status.SPLIT]: "订单已拆分为多个包裹",
  [Status.ERP_ALLOCATED]: "商品已预留库存",
  [Status.WMS_DISPATCHED]: "订单已下发仓库",
});
