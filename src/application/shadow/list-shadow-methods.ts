import { readShadowMethods, type ShadowMethodRow } from "../../store/reads/shadow.ts";
import type { OperationDeps } from "../deps.ts";

/** How often each old method's answers were compared with the old system's, and what came of it; by name. */
export function listShadowMethods({ db }: OperationDeps): Promise<readonly ShadowMethodRow[]> {
  return readShadowMethods(db);
}
