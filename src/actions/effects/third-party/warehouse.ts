import { Status } from "../../../domain/state-machine.ts";
import { statusTopic } from "./adapter.ts";

/** In the warehouse. */
export const warehouse = statusTopic("warehouse", {
  [Status.WMS_ACCEPTED]: "仓库已接单",
  [Status.PICKING]: "仓库正在拣货",
  [Status.PACKED]: "包裹已打包完成",
});
