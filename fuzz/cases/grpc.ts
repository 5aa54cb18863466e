import { gzipSync } from "node:zlib";
import { type DescMethod, toBinary } from "@bufbuild/protobuf";
import type { Random } from "../../tools/testkit/random.ts";
import { anyMessage } from "../values/message.ts";
import type { Fixture } from "../values/scalars.ts";
import { anyWire } from "../values/wire.ts";
import { type CaseBuilder, type FuzzCase, pathOf } from "./case.ts";
import { frame, malformedFrames } from "./frames.ts";
import { UNUSUAL_VALUES, unusualCallHeaders, unusualTimeout } from "./headers.ts";

type Headers = Record<string, string | string[]>;

/** A gRPC call whose message, frame or headers may be mutated. */
export const grpcCase: CaseBuilder = (random, method, fixture) => {
  const mutation = random.weighted({ message: 50, wire: 25, frame: 8, timeout: 5, header: 6, protocol: 5, huge: 0.05 });
  const headers: Headers = {
    ":method": "POST",
    ":path": pathOf(method),
    "content-type": "application/grpc",
    te: "trailers",
    "oms-caller": "fuzz",
  };
  return caseFor(
    method,
    mutation,
    { ...headers, ...headersFor(random, mutation) },
    bodyFor(random, mutation, method, fixture),
  );
};

function caseFor(method: DescMethod, mutation: string, headers: Headers, body: Buffer): FuzzCase {
  const endless = method.methodKind !== "unary";
  return {
    transport: "gRPC",
    rpc: method.name,
    mutation,
    hasDeadline: headers["grpc-timeout"] !== undefined,
    send: ({ grpc }) => grpc.send({ headers, body, endless }),
  };
}

function headersFor(random: Random, mutation: string): Headers {
  switch (mutation) {
    case "timeout":
      return { "grpc-timeout": unusualTimeout(random) };
    case "header":
      return unusualCallHeaders(random);
    case "protocol":
      return random.pick<Headers>([
        {
          "content-type": random.pick([
            "application/grpc+proto",
            "application/grpc+json",
            "application/grpc-web",
            "text/html",
            "",
          ]),
        },
        { "grpc-encoding": random.pick(["gzip", "deflate", "identity", "br", "snappy", ...UNUSUAL_VALUES]) },
        { "grpc-accept-encoding": random.pick(["gzip", "br", ...UNUSUAL_VALUES]) },
        { ":method": random.pick(["GET", "PUT", "OPTIONS", "PRI"]) },
        { ":path": random.pick(["/", "//", "/x/y", "/oms.orderstatus.v1.OrderStatusService/", "/%00", "/a?b=c", "*"]) },
        // Node closes the connection when the length differs from the body's; that is accepted.
        { "content-length": "1000000" },
        { "grpc-message-type": "x", "grpc-status": "0" },
      ]);
    default:
      return {};
  }
}

const BOMB = gzipSync(Buffer.alloc(20 * 1024 * 1024));

const HUGE: readonly [() => Buffer, ...(() => Buffer)[]] = [
  () => frame(Buffer.alloc(1_000_000, 8)),
  () => frame(Buffer.concat([Buffer.from([0x12, 0x80, 0x80, 0x80, 0x02]), Buffer.alloc(4 * 1024 * 1024, 120)])),
  () => frame(BOMB, 1),
];

function bodyFor(random: Random, mutation: string, method: DescMethod, fixture: Fixture): Buffer {
  const message = () => Buffer.from(toBinary(method.input, anyMessage(random, method.input, fixture)));
  switch (mutation) {
    case "wire":
      return frame(anyWire(random, method.input, fixture));
    case "frame":
      return malformedFrames(random, message());
    case "huge":
      return random.pick(HUGE)();
    default:
      return frame(message());
  }
}
