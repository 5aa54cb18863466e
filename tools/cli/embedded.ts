import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { findStack } from "../devstack/index.ts";

/** OMS_DATA_DIR is relative to the repository, from which the service is started. */
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** URLs of the embedded servers of npm start; undefined for those not running. */
export function findEmbeddedServers(env: NodeJS.ProcessEnv): ReturnType<typeof findStack> {
  return findStack(resolve(ROOT, env.OMS_DATA_DIR || ".data"));
}
