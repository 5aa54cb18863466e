import { randomBytes } from "node:crypto";
import type { Http2Session } from "node:http2";
import type { Socket } from "node:net";
import type { DescMethod, Message } from "@bufbuild/protobuf";
import type { CallContext } from "../application/context.ts";
import type { OperationError } from "../application/errors.ts";
import type { OrderScope } from "../domain/order-scope.ts";
import type { Identity } from "./auth/identity.ts";
import type { Peer } from "./connections/peer.ts";

/** How a call arrived: gRPC; Connect or gRPC-Web; or a legacy endpoint. */
export type Transport = "grpc" | "http" | "legacy";

/**
 * One call on its way through the pipeline. The transport creates it; the middleware fills in the
 * rest.
 */
export interface Call extends CallContext {
  readonly transport: Transport;
  /** When its headers had arrived, by performance.now(). */
  readonly startedAt: number;
  /** A request header by its lower-case name. */
  readonly header: (name: string) => string | null | undefined;
  /**
   * Why the call is rejected without looking at its request, which is neither read nor decoded: the
   * caller is unknown, or lacks the permission. Set by the admission.
   */
  rejection: OperationError | undefined;
  /** Why the request could not be decoded; the request message is empty then. */
  malformed: OperationError | undefined;
  /** The legacy method that was called; empty for a call of the RPC itself. */
  readonly legacyMethod: string;
  readonly peer: Peer;
  /** A session of HTTP/2 or a socket of HTTP/1.1; undefined once the client has disconnected. */
  readonly connection: Http2Session | Socket | undefined;
  /**
   * The caller as authenticated by the transport itself: a legacy caller known by its address or
   * token.
   */
  readonly authenticatedName: string | undefined;
  /** Set by the admission; undefined where authentication is off. */
  identity: Identity | undefined;
  caller: string;
  requestNamespace: string;
  authenticatedOperator: string;
  reportableStatuses: ReadonlySet<number> | undefined;
  orderScope: OrderScope;
  /** The caller's; the call's own span where calls are traced. */
  traceparent: string;
  deadline: Date | undefined;
  signal: AbortSignal;
  /**
   * Headers of the response, the call id among them. Complete when the handler has returned its
   * promise or its stream, which sends them before the first message.
   */
  readonly responseHeaders: ResponseHeader[];
  /** Trailers of the response. Complete at the same time. */
  readonly responseTrailers: ResponseHeader[];
}

/** Name in lower case, and value: base64 for a name that ends with -bin. A name may occur twice. */
export type ResponseHeader = readonly [name: string, value: string];

/** The signal of unary calls: they run to completion. */
export const NEVER_ABORTED: AbortSignal = new AbortController().signal;

/** The response to a call: one message, or a stream of them. */
export type RpcResponse = Promise<Message> | AsyncIterable<Message>;

/**
 * Handles a call. Unary handlers return a promise, streaming ones an iterable; either may throw
 * synchronously.
 */
export type Handler = (request: Message, call: Call) => RpcResponse;

/** What the pipeline knows of an RPC. */
export interface Rpc {
  readonly method: DescMethod;
  /** Whether it responds with a stream. */
  readonly streaming: boolean;
  /** Whether it may change something: such calls are recorded in the request log table. */
  readonly hasSideEffects: boolean;
  /** Maximum size of its request, in bytes, once decompressed. */
  readonly maxRequestBytes: number;
}

/**
 * Decides by its headers and its connection alone whether a call is admitted, and sets its caller;
 * otherwise sets its rejection. A transport calls it before it reads, decompresses or decodes the
 * request. Never throws; a promise only if a key has to be fetched or a signature to be verified.
 */
export type Admit = (call: Call) => void | Promise<void>;

/** Middleware: wraps a handler, once for each RPC. */
export type Interceptor = (next: Handler, rpc: Rpc) => Handler;

const processId = randomBytes(6).toString("base64url");
let calls = 0;

/** A call id, unique across servers: a random process id and a counter. */
function nextCallId(): string {
  calls += 1;
  return `${processId}-${calls.toString(36)}`;
}

/** Response header with the call id. */
export const CALL_ID_HEADER = "oms-call-id";

/**
 * Response header with the error code, for legacy endpoints: they respond 200 to failed calls as
 * well.
 */
export const CODE_HEADER = "oms-code";

/**
 * Response header with the reason of a failure, for legacy endpoints whose failures are a literal
 * text; percent-encoded as by encodeURIComponent.
 */
export const REASON_HEADER = "oms-reason";

/** The caller name where none is given. */
const ANONYMOUS = "anonymous";

/** A call with what its transport knows of it. */
export function createCall({
  transport,
  header,
  deadline,
  signal,
  malformed = undefined,
  legacyMethod = "",
  peer,
  connection = undefined,
  authenticatedName,
  startedAt = performance.now(),
}: Pick<Call, "transport" | "header" | "peer" | "deadline" | "signal"> &
  Partial<Pick<Call, "connection" | "malformed" | "legacyMethod" | "authenticatedName" | "startedAt">>): Call {
  const callId = nextCallId();
  return {
    callId,
    transport,
    startedAt,
    header,
    caller: ANONYMOUS,
    requestNamespace: "",
    authenticatedOperator: "",
    identity: undefined,
    reportableStatuses: undefined,
    orderScope: undefined,
    traceparent: "",
    change: undefined,
    deadline,
    signal,
    rejection: undefined,
    malformed,
    legacyMethod,
    peer,
    connection,
    authenticatedName,
    responseHeaders: [[CALL_ID_HEADER, callId]],
    responseTrailers: [],
  };
}
