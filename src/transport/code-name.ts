import { Code } from "@connectrpc/connect";

const NAMES: ReadonlyMap<Code, string> = new Map(
  Object.values(Code)
    .filter((code) => typeof code === "number")
    .map((code) => [
      code,
      Code[code]
        .replace(/(?<=[a-z])[A-Z]/g, "_$&")
        .toUpperCase()
        .replace("CANCELED", "CANCELLED"),
    ]),
);

/** gRPC's name of a code: CANCELLED and not Canceled. */
export const grpcCodeName = (code: Code): string => NAMES.get(code) as string;
