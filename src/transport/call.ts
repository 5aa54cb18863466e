import { randomBytes } from "node:crypto";
import type { DescMethod, Message } from "@bufbuild/protobuf";
import type { CallContext } from "../application/context.ts";
import type { OperationError } from "../application/errors.ts";
import type { Peer } from "./connections/peer.ts";

/** The way a call came in: gRPC, Connect and gRPC-Web, or an address of the old system. */
export type Transport = "grpc" | "http" | "legacy";

/** One call on its way through the pipeline: a front makes it, the interceptors fill in what the headers say. */
export interface Call extends CallContext {
  readonly front: Transport;
  /** A request header by its lower-case name. */
  readonly header: (name: string) => string | null | undefined;
  /** Why what came is no request; the request is an empty one then. */
  readonly malformed: OperationError | undefined;
  /** The old system's method by which it came; empty where the RPC itself was called. */
  readonly oldMethod: string;
  readonly peer: Peer;
  /** Who calls, where the front has proof of it: an address or a token that an old caller is known by. */
  readonly provenName: string | undefined;
  caller: string;
  reportableStatuses: ReadonlySet<number> | undefined;
  /** The caller's; where calls are traced, that of the call's own span. */
  traceparent: string;
  deadline: Date | undefined;
  signal: AbortSignal;
}

/** The signal of unary calls: whoever answers one answers to the end. */
export const NEVER_ABORTED: AbortSignal = new AbortController().signal;

/** The answer to a call: one message, or a stream of them. */
export type RpcResponse = Promise<Message> | AsyncIterable<Message>;

/** Answers a call. A unary one returns a promise, a streaming one an iterable; either may also throw at once. */
export type Handler = (request: Message, call: Call) => RpcResponse;

/** What the pipeline knows of an RPC. */
export interface Rpc {
  readonly method: DescMethod;
  /** Answers with a stream. */
  readonly streams: boolean;
  /** May change something: such calls are kept in the request log table. */
  readonly changes: boolean;
}

/** Wraps a handler: a function of a function, made once for each RPC. */
export type Interceptor = (next: Handler, rpc: Rpc) => Handler;

const processName = randomBytes(6).toString("base64url");
let calls = 0;

/** A name for a call, unique among all servers: a random one for this process, and a number. */
function nextCallId(): string {
  calls += 1;
  return `${processName}-${calls.toString(36)}`;
}

/** The header of an answer that names its call. */
export const CALL_ID_HEADER = "oms-call-id";

/** The header of a failed answer that names its code, where no protocol does: the old addresses answer 200. */
export const CODE_HEADER = "oms-code";

/** What a caller is called that does not say. */
const ANONYMOUS = "anonymous";

/** A call as it comes in, before anything is known of it but what the front says. */
export function createCall({
  front,
  header,
  deadline,
  signal,
  malformed,
  oldMethod = "",
  peer,
  provenName,
}: Pick<Call, "front" | "header" | "peer" | "deadline" | "signal" | "malformed"> &
  Partial<Pick<Call, "oldMethod" | "provenName">>): Call {
  const unknown = { caller: ANONYMOUS, reportableStatuses: undefined, traceparent: "", change: undefined };
  return { callId: nextCallId(), front, header, ...unknown, deadline, signal, malformed, oldMethod, peer, provenName };
}
