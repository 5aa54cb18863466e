import { toBinary } from "@bufbuild/protobuf";
import { anyJson } from "../values/json.ts";
import { anyMessage } from "../values/message.ts";
import { anyWire } from "../values/wire.ts";
import { type CaseBuilder, pathOf } from "./case.ts";
import { frame, malformedFrames } from "./frames.ts";
import { unusualCallHeaders, unusualTimeout } from "./headers.ts";

/** A call over gRPC-Web. */
export const grpcWebCase: CaseBuilder = (random, method, world) => {
  const oddity = random.weighted({ message: 50, wire: 25, frame: 8, timeout: 5, header: 6, protocol: 4 });
  const message = Buffer.from(toBinary(method.input, anyMessage(random, method.input, world)));
  const type = random.chance(0.15) ? "application/grpc-web+json" : "application/grpc-web+proto";
  const content =
    oddity === "wire"
      ? anyWire(random, method.input, world)
      : type.endsWith("json")
        ? Buffer.from(anyJson(random, method.input, world))
        : message;
  const headers = {
    "content-type":
      oddity === "protocol"
        ? random.pick(["application/grpc-web-text", "application/grpc-web", "application/grpc"])
        : type,
    "x-grpc-web": "1",
    "oms-caller": "fuzz",
    ...(oddity === "timeout" && { "grpc-timeout": unusualTimeout(random) }),
    ...(oddity === "header" && unusualCallHeaders(random)),
    ...(oddity === "protocol" && { "grpc-encoding": random.pick(["gzip", "br", "x", ""]) }),
  };
  const body = oddity === "frame" ? malformedFrames(random, content) : frame(content);
  const endless = method.methodKind !== "unary";
  return {
    front: "gRPC-Web",
    rpc: method.name,
    oddity,
    hasDeadline: oddity === "timeout",
    send: ({ http }) => http.send({ method: "POST", path: pathOf(method), headers, body, endless }),
  };
};
