import type { IncomingMessage, ServerResponse } from "node:http";
import type { ServerHttp2Stream } from "node:http2";
import { Code } from "@connectrpc/connect";
import { sendJson } from "./pages.ts";

const GRPC_TYPE = /^application\/grpc(?:[+;]|$)/i;

/** Whether a request is gRPC, which has its own port. */
export function isGrpcRequest({ headers }: IncomingMessage): boolean {
  return GRPC_TYPE.test(headers["content-type"] ?? "");
}

/** Responds with the right port; over HTTP/1.1, which cannot carry gRPC, as JSON. */
export function rejectGrpc(request: IncomingMessage, response: ServerResponse, grpcPort: number | undefined): void {
  const where = grpcPort === undefined ? "this server serves no gRPC" : `gRPC is served on port ${grpcPort}`;
  const message = `this port serves Connect and gRPC-Web; ${where}`;
  const { stream } = request as { readonly stream?: ServerHttp2Stream };
  if (stream === undefined) {
    sendJson(response, 415, { code: "unimplemented", message });
    return;
  }
  // A response of headers alone, as the protocol requires where there is no message.
  stream.respond(
    {
      ":status": 200,
      "content-type": "application/grpc",
      "grpc-status": Code.Unimplemented,
      "grpc-message": encodeURIComponent(message),
    },
    { endStream: true },
  );
}
