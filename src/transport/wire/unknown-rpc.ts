import type { DescMethod } from "@bufbuild/protobuf";
import { nearest } from "../../lib/nearest.ts";

/**
 * Finds the RPC that a misspelt path most likely means.
 *
 * @param paths the known paths, `/<service>/<Rpc>`
 */
export function nearestRpc(path: string, paths: readonly string[]): string | undefined {
  const { service, rpc } = parts(path);
  const known = paths.map((each) => ({ path: each, ...parts(each) }));
  const meantService = nearest(
    service,
    known.map((each) => each.service),
  );
  const ofService = known.filter((each) => each.service === meantService);
  const sameName = known.find((each) => each.rpc === rpc);
  const among = ofService.some((each) => each.rpc === rpc) || sameName === undefined ? ofService : [sameName];
  const meant = nearest(
    rpc,
    among.map((each) => each.rpc),
  );
  return among.find((each) => each.rpc === meant)?.path;
}

/** The path of an RPC on every transport. */
export function pathOfMethod({ parent, name }: DescMethod): string {
  return `/${parent.typeName}/${name}`;
}

function parts(path: string): { service: string; rpc: string } {
  const slash = path.lastIndexOf("/");
  return { service: path.slice(0, Math.max(slash, 0)), rpc: path.slice(slash + 1) };
}
