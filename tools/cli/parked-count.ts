import { ActionService } from "../../gen/oms/operations/v1/action_service_pb.ts";
import type { Session } from "./session.ts";

/** How many events an Action has parked now. */
export async function countParked({ call }: Session, action: string): Promise<bigint> {
  const { actions } = await call(ActionService.method.listActions, {});
  return actions.find(({ name }) => name === action)?.parked ?? 0n;
}
