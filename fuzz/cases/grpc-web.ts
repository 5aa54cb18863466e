import { toBinary } from "@bufbuild/protobuf";
import { anyJson } from "../values/json.ts";
import { anyMessage } from "../values/message.ts";
import { anyWire } from "../values/wire.ts";
import { type CaseBuilder, pathOf } from "./case.ts";
import { frame, malformedFrames } from "./frames.ts";
import { unusualCallHeaders, unusualTimeout } from "./headers.ts";

/** A gRPC-Web call. */
export const grpcWebCase: CaseBuilder = (random, method, fixture) => {
  const mutation = random.weighted({ message: 50, wire: 25, frame: 8, timeout: 5, header: 6, protocol: 4 });
  const message = Buffer.from(toBinary(method.input, anyMessage(random, method.input, fixture)));
  const type = random.chance(0.15) ? "application/grpc-web+json" : "application/grpc-web+proto";
  const content =
    mutation === "wire"
      ? anyWire(random, method.input, fixture)
      : type.endsWith("json")
        ? Buffer.from(anyJson(random, method.input, fixture))
        : message;
  const headers = {
    "content-type":
      mutation === "protocol"
        ? random.pick(["application/grpc-web-text", "application/grpc-web", "application/grpc"])
        : type,
    "x-grpc-web": "1",
    "oms-caller": "fuzz",
    ...(mutation === "timeout" && { "grpc-timeout": unusualTimeout(random) }),
    ...(mutation === "header" && unusualCallHeaders(random)),
    ...(mutation === "protocol" && { "grpc-encoding": random.pick(["gzip", "br", "x", ""]) }),
  };
  const body = mutation === "frame" ? malformedFrames(random, content) : frame(content);
  const endless = method.methodKind !== "unary";
  return {
    transport: "gRPC-Web",
    rpc: method.name,
    mutation,
    hasDeadline: mutation === "timeout",
    send: ({ http }) => http.send({ method: "POST", path: pathOf(method), headers, body, endless }),
  };
};
