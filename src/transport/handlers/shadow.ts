import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import * as pb from "../../../gen/oms/operations/v1/shadow_service_pb.ts";
import type { OperationDeps } from "../../application/deps.ts";
import {
  type ListShadowDifferencesResult,
  listShadowDifferences,
  listShadowMethods,
} from "../../application/shadow/reads.ts";
import type { HandlersOf } from "./types.ts";

/** All RPCs of ShadowService. */
export function createShadowHandlers(deps: OperationDeps): HandlersOf<typeof pb.ShadowService> {
  return {
    async listShadowMethods() {
      return create(pb.ListShadowMethodsResponseSchema, { methods: (await listShadowMethods(deps)).map(methodFields) });
    },

    async listShadowDifferences(request) {
      const { differences, nextPageToken } = await listShadowDifferences(deps, request);
      return create(pb.ListShadowDifferencesResponseSchema, {
        differences: differences.map(differenceFields),
        nextPageToken,
      });
    },
  };
}

type MethodRow = Awaited<ReturnType<typeof listShadowMethods>>[number];

function methodFields(row: MethodRow): MessageInitShape<typeof pb.ShadowMethodSchema> {
  return {
    method: row.method,
    sameCount: row.same,
    differentCount: row.different,
    failedCount: row.failed,
    skippedCount: row.skipped,
    lastTime: timestampFromDate(row.lastTime),
  };
}

type DifferenceRow = ListShadowDifferencesResult["differences"][number];

function differenceFields({
  id,
  kind,
  time,
  ...row
}: DifferenceRow): MessageInitShape<typeof pb.ShadowDifferenceSchema> {
  return {
    ...row,
    differenceId: id,
    kind: pb.ShadowDifferenceKind[kind],
    recordTime: timestampFromDate(time),
  };
}
