import { create, type DescMessage, fromBinary, type Message } from "@bufbuild/protobuf";
import {
  Metadata,
  type ServerUnaryCall,
  type ServerWritableStream,
  type StatusObject,
  type sendUnaryData,
} from "@grpc/grpc-js";
import { invalidField, type OperationError } from "../../application/errors.ts";
import { CALL_ID_HEADER, type Call, createCall, NEVER_ABORTED } from "../call.ts";
import type { Route } from "../middleware/pipeline.ts";
import { malformedBody } from "../middleware/validate.ts";
import { encodeStatus, toConnectError } from "../wire/errors.ts";
import { type LoadShedding, OVERLOADED } from "./load-shedding.ts";
import { MALFORMED_TIMEOUT_HEADER } from "./normalize-headers.ts";
import type { PeerRegistry } from "./peer-registry.ts";

type Unary = ServerUnaryCall<Buffer, Message>;
type Stream = ServerWritableStream<Buffer, Message>;

/** Serves a unary RPC. Requests come as bytes. */
export function unaryHandler(
  { rpc, handle }: Route,
  admission: LoadShedding,
  peers: PeerRegistry,
): (incoming: Unary, answer: sendUnaryData<Message>) => void {
  const schema = rpc.method.input;
  return (incoming, answer) => {
    if (!admission.hasRoom()) {
      admission.refused(rpc.method.name);
      answer(OVERLOADED);
      return;
    }
    const { request, malformed } = decode(schema, incoming.request);
    const call = receive(incoming, peers, NEVER_ABORTED, malformed);
    (handle(request, call) as Promise<Message>).then(
      (message) => {
        // Not before there is an answer: a header of its own is a packet of its own.
        incoming.sendMetadata(headerOf(call));
        answer(null, message);
      },
      (error: unknown) => answer(statusOf(error, call)),
    );
  };
}

/** Serves an RPC that answers with a stream. */
export function streamHandler({ rpc, handle }: Route, peers: PeerRegistry): (incoming: Stream) => void {
  const schema = rpc.method.input;
  return (incoming) => {
    const gone = new AbortController();
    incoming.once("cancelled", () => gone.abort());
    const { request, malformed } = decode(schema, incoming.request);
    const call = receive(incoming, peers, gone.signal, malformed);
    incoming.sendMetadata(headerOf(call));
    pump(handle(request, call) as AsyncIterable<Message>, incoming).then(
      () => incoming.end(),
      (error: unknown) => {
        if (!gone.signal.aborted) {
          incoming.emit("error", statusOf(error, call));
        }
      },
    );
  };
}

function decode(schema: DescMessage, bytes: Buffer): { request: Message; malformed: OperationError | undefined } {
  try {
    return { request: fromBinary(schema, bytes), malformed: undefined };
  } catch (error) {
    return { request: create(schema), malformed: malformedBody(schema, (error as Error).message) };
  }
}

function receive(
  incoming: Unary | Stream,
  peers: PeerRegistry,
  signal: AbortSignal,
  malformed: OperationError | undefined,
): Call {
  const { metadata } = incoming;
  const deadline = incoming.getDeadline();
  return createCall({
    front: "grpc",
    peer: peers.get(incoming.getPeer()),
    header: (name) => metadata.get(name)[0]?.toString(),
    deadline: deadline === Number.POSITIVE_INFINITY ? undefined : new Date(deadline),
    signal,
    malformed: malformedTimeout(metadata) ?? malformed,
  });
}

function malformedTimeout(metadata: Metadata): OperationError | undefined {
  const [timeout] = metadata.get(MALFORMED_TIMEOUT_HEADER);
  return timeout === undefined
    ? undefined
    : invalidField("grpc-timeout", `must be 1 to 8 digits and one of H, M, S, m, u and n, was ${timeout}`);
}

function headerOf(call: Call): Metadata {
  const metadata = new Metadata();
  metadata.set(CALL_ID_HEADER, call.callId);
  return metadata;
}

function statusOf(reason: unknown, call: Call): StatusObject {
  const error = toConnectError(reason, call.callId);
  const metadata = headerOf(call);
  if (error.details.length > 0) {
    metadata.set("grpc-status-details-bin", Buffer.from(encodeStatus(error)));
  }
  return { code: error.code as number, details: error.rawMessage, metadata };
}

/** Writes no faster than the client reads. */
async function pump(messages: AsyncIterable<Message>, stream: Stream): Promise<void> {
  for await (const message of messages) {
    if (!stream.write(message)) {
      await drained(stream);
    }
  }
}

/** Resolves when the client has read what was written, or is gone. */
function drained(stream: Stream): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      stream.off("drain", go);
      stream.off("close", go);
      resolve();
    };
    stream.on("drain", go);
    stream.on("close", go);
    if (stream.destroyed) {
      go();
    }
  });
}
