import type { ActionInfo, OperationDeps } from "../deps.ts";
import { OperationError } from "../errors.ts";

/** The Action of that name. */
export function findAction({ actions }: OperationDeps, name: string): ActionInfo {
  const found = actions.find((action) => action.name === name);
  if (found === undefined) {
    const known = actions.map((action) => action.name).join(", ");
    throw new OperationError("not-found", `action: there is no Action ${JSON.stringify(name)}; there are ${known}`);
  }
  return found;
}
