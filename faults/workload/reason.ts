import { type Any, anyUnpack } from "@bufbuild/protobuf/wkt";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";

/** The reason of the google.rpc.ErrorInfo among an error's details; undefined where there is none. */
export function reasonIn(details: readonly Any[]): string | undefined {
  for (const detail of details) {
    const info = anyUnpack(detail, ErrorInfoSchema);
    if (info !== undefined) {
      return info.reason;
    }
  }
  return undefined;
}
