import type { Random } from "../../tools/testkit/random.ts";
import { anyBytes } from "../values/wire.ts";
import type { FuzzCase } from "./case.ts";
import { frame } from "./frames.ts";

const RPCS: readonly [string, ...string[]] = [
  "grpc.health.v1.Health/Check",
  "grpc.health.v1.Health/Watch",
  "grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
  "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

const MESSAGES: readonly [string, ...string[]] = [
  "",
  "\x0a\x00",
  "\x0a\x03oms",
  "\x3a\x01x",
  "\x22\x05a.b.c",
  "\x2a\x02\x0a\x00",
];

/** A call to one of the built-in gRPC services: health or reflection. */
export function builtInServiceCase(random: Random): FuzzCase {
  const rpc = random.pick(RPCS);
  const message = random.chance(0.5)
    ? Buffer.from(random.pick(MESSAGES), "latin1")
    : anyBytes(random, random.below(20));
  const headers = { ":method": "POST", ":path": `/${rpc}`, "content-type": "application/grpc", te: "trailers" };
  return {
    transport: "gRPC",
    rpc: rpc.replace(/.*\./, ""),
    mutation: "built-in",
    hasDeadline: false,
    send: ({ grpc }) => grpc.send({ headers, body: frame(message), endless: !rpc.endsWith("Check") }),
  };
}
