import type { Http2Session } from "node:http2";
import { create, type Message } from "@bufbuild/protobuf";
import {
  Metadata,
  type ServerInterceptingCallInterface,
  type ServerUnaryCall,
  type ServerWritableStream,
  type StatusObject,
  type sendUnaryData,
} from "@grpc/grpc-js";
import { invalidField, type OperationError } from "../../application/errors.ts";
import { type Call, createCall, NEVER_ABORTED, type ResponseHeader } from "../call.ts";
import type { Route } from "../middleware/pipeline.ts";
import type { Codec, RequestDecoder } from "../wire/decode.ts";
import { encodeStatus, toConnectError } from "../wire/errors.ts";
import { encodeJson } from "../wire/json-responses.ts";
import { JSON_HEADER, MALFORMED_TIMEOUT_HEADER } from "./normalize-headers.ts";
import type { PeerRegistry } from "./peer-registry.ts";

type Unary = ServerUnaryCall<Buffer, Message | Buffer>;
type Stream = ServerWritableStream<Buffer, Message | Buffer>;

/** The admitted calls by the metadata that grpc-js passes to their handlers. */
export type AdmittedCalls = WeakMap<Metadata, Call>;

/** Serves a unary RPC. grpc-js passes requests as bytes. */
export function unaryHandler(
  { rpc, handle }: Route,
  decode: RequestDecoder,
  admitted: AdmittedCalls,
): (incoming: Unary, respond: sendUnaryData<Message | Buffer>) => void {
  return (incoming, respond) => {
    const codec = codecOf(incoming);
    const call = admitted.get(incoming.metadata) as Call;
    const { request, malformed } = decode(rpc.method, incoming.request, codec, call.caller);
    call.malformed ??= malformed;
    (handle(request, call) as Promise<Message>).then(
      (message) => {
        // Sent together with the response: on their own the headers would be a packet of their own.
        incoming.sendMetadata(toMetadata(call.responseHeaders));
        respond(null, encoderOf(codec, rpc.method)(message), toMetadata(call.responseTrailers));
      },
      (error: unknown) => respond(statusOf(error, call)),
    );
  };
}

/** Serves a server-streaming RPC. */
export function streamHandler(
  { rpc, handle }: Route,
  decode: RequestDecoder,
  admitted: AdmittedCalls,
): (incoming: Stream) => void {
  return (incoming) => {
    const disconnected = new AbortController();
    incoming.once("cancelled", () => disconnected.abort());
    const codec = codecOf(incoming);
    const call = admitted.get(incoming.metadata) as Call;
    const { request, malformed } = decode(rpc.method, incoming.request, codec, call.caller);
    call.malformed ??= malformed;
    call.signal = disconnected.signal;
    const responses = handle(request, call) as AsyncIterable<Message>;
    incoming.sendMetadata(toMetadata(call.responseHeaders));
    pump(responses, encoderOf(codec, rpc.method), incoming).then(
      () => incoming.end(toMetadata(call.responseTrailers)),
      (error: unknown) => {
        if (!disconnected.signal.aborted) {
          incoming.emit("error", statusOf(error, call));
        }
      },
    );
  };
}

/** The encoding of a call's messages. */
function codecOf({ metadata }: Unary | Stream): Codec {
  return metadata.get(JSON_HEADER).length > 0 ? "json" : "binary";
}

/** A response as the server's serializer takes it: JSON as bytes. */
function encoderOf(codec: Codec, { output }: Route["rpc"]["method"]): (message: Message) => Message | Buffer {
  return codec === "json" ? (message) => encodeJson(output, message) : (message) => message;
}

/** The status of a call that was not admitted. */
export async function rejectionOf({ rpc, handle }: Route, call: Call): Promise<StatusObject> {
  const response = handle(create(rpc.method.input), call);
  try {
    await (Symbol.asyncIterator in response ? response[Symbol.asyncIterator]().next() : response);
  } catch (error) {
    return statusOf(error, call);
  }
  throw new Error("a call that was not admitted has been served");
}

/** A call by its headers. */
export function toCall(
  incoming: ServerInterceptingCallInterface,
  metadata: Metadata,
  session: Http2Session | undefined,
  peers: PeerRegistry,
): Call {
  const deadline = incoming.getDeadline();
  return createCall({
    transport: "grpc",
    peer: peers.get(incoming.getPeer()),
    connection: session,
    header: (name) => (metadata.get(name)[0] ?? metadata.get(`${name}-bin`)[0])?.toString(),
    deadline: deadline === Number.POSITIVE_INFINITY ? undefined : new Date(deadline),
    signal: NEVER_ABORTED,
    malformed: malformedTimeout(metadata),
  });
}

function malformedTimeout(metadata: Metadata): OperationError | undefined {
  const [timeout] = metadata.get(MALFORMED_TIMEOUT_HEADER);
  return timeout === undefined
    ? undefined
    : invalidField("grpc-timeout", `must be 1 to 8 digits followed by H, M, S, m, u or n, was ${timeout}`);
}

function toMetadata(headers: readonly ResponseHeader[]): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of headers) {
    metadata.add(name, name.endsWith("-bin") ? Buffer.from(value, "base64") : value);
  }
  return metadata;
}

function statusOf(cause: unknown, call: Call): StatusObject {
  const error = toConnectError(cause, call.callId);
  // Without a message, the headers are sent with the trailers.
  const metadata = toMetadata([...call.responseHeaders, ...call.responseTrailers]);
  if (error.details.length > 0) {
    metadata.set("grpc-status-details-bin", Buffer.from(encodeStatus(error)));
  }
  return { code: error.code as number, details: error.rawMessage, metadata };
}

/** Writes with backpressure. */
async function pump(
  messages: AsyncIterable<Message>,
  encode: (message: Message) => Message | Buffer,
  stream: Stream,
): Promise<void> {
  for await (const message of messages) {
    if (!stream.write(encode(message))) {
      await drained(stream);
    }
  }
}

/** Resolves when the buffered messages have been read, or the client has disconnected. */
function drained(stream: Stream): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stream.off("drain", done);
      stream.off("close", done);
      resolve();
    };
    stream.on("drain", done);
    stream.on("close", done);
    if (stream.destroyed) {
      done();
    }
  });
}
