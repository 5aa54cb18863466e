import { Agent, request as httpRequest } from "node:http";
import {
  create,
  createRegistry,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  fromJson,
  type JsonValue,
  type MessageInitShape,
  type MessageShape,
  toBinary,
  toJsonString,
} from "@bufbuild/protobuf";
import { type Any, anyUnpack } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { credentials, Client as GrpcClient, Metadata, type ServiceError } from "@grpc/grpc-js";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../../gen/google/rpc/status_pb.ts";
import type { ServiceAddress } from "../types.ts";

export type Protocol = "grpc" | "json";

/** Result of one attempt. */
export type AttemptResult<Message> =
  | { readonly kind: "answered"; readonly message: Message }
  /** The service rejected the request. `reason`: of its ErrorInfo, else the name of the code. */
  | { readonly kind: "rejected"; readonly reason: string }
  /** Whether it was executed is unknown, or it is to be retried. */
  | { readonly kind: "indeterminate" };

/** A client of one service, over gRPC and Connect JSON. */
export interface ServiceClient {
  send<I extends DescMessage, O extends DescMessage>(
    protocol: Protocol,
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    caller: string,
  ): Promise<AttemptResult<MessageShape<O>>>;
  close(): void;
}

/**
 * Deadline of an attempt, in milliseconds: longer than a commit during a restart of the database.
 */
const DEADLINE_MS = 3_000;

/** Time after the deadline at which a frozen service is abandoned, in milliseconds. */
const GRACE_MS = 200;

const JSON_CONNECTIONS = 64;

/** Codes after which a request is retried. */
const RETRIED: ReadonlySet<Code> = new Set([
  Code.Unavailable,
  Code.DeadlineExceeded,
  Code.ResourceExhausted,
  Code.Canceled,
  Code.Unknown,
]);

/** Types of error details, needed to parse the JSON answer to a batch. */
const REGISTRY = createRegistry(ErrorInfoSchema, BadRequestSchema, RetryInfoSchema);

/** Whether a request is retried after this code. */
export function isIndeterminate(code: Code): boolean {
  return RETRIED.has(code);
}

/**
 * Interprets an error. Clients report a broken connection as INTERNAL too; only the service's own
 * errors name the call.
 */
function errorResult(code: Code, reason: string | undefined, message: string): AttemptResult<never> {
  const isBrokenConnection = code === Code.Internal && !message.includes("internal error; call");
  return isIndeterminate(code) || isBrokenConnection
    ? { kind: "indeterminate" }
    : { kind: "rejected", reason: reason ?? codeName(code) };
}

/** Name of a code, for example INVALID_ARGUMENT. */
export function codeName(code: Code): string {
  return (Code[code] ?? String(code)).replace(/(?<=[a-z])[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

export function openServiceClient(address: ServiceAddress): ServiceClient {
  const grpc = new GrpcClient(address.grpc, credentials.createInsecure(), {
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 500,
  });
  const agent = new Agent({ keepAlive: true, maxSockets: JSON_CONNECTIONS });
  const { hostname, port } = new URL(address.http);

  const overGrpc: ServiceClient["send"] = (_protocol, method, request, caller) =>
    new Promise((resolve) => {
      const metadata = new Metadata();
      metadata.set("oms-caller", caller);
      grpc.makeUnaryRequest(
        `/${method.parent.typeName}/${method.name}`,
        (message: MessageShape<typeof method.input>) => Buffer.from(toBinary(method.input, message)),
        (bytes: Buffer) => fromBinary(method.output, bytes),
        create(method.input, request),
        metadata,
        { deadline: Date.now() + DEADLINE_MS },
        (error: ServiceError | null, message) => {
          if (message !== undefined && error === null) {
            resolve({ kind: "answered", message });
          } else {
            const { code, details } = error as ServiceError;
            resolve(errorResult(code as unknown as Code, reasonOf(error as ServiceError), details));
          }
        },
      );
    });

  const overJson: ServiceClient["send"] = (_protocol, method, request, caller) =>
    new Promise((resolve) => {
      const body = toJsonString(method.input, create(method.input, request));
      const call = httpRequest({
        agent,
        hostname,
        port,
        method: "POST",
        path: `/${method.parent.typeName}/${method.name}`,
        headers: {
          "content-type": "application/json",
          "content-length": Buffer.byteLength(body),
          "connect-protocol-version": "1",
          "connect-timeout-ms": DEADLINE_MS,
          "oms-caller": caller,
        },
      });
      const indeterminate = () => {
        clearTimeout(timer);
        resolve({ kind: "indeterminate" });
      };
      const timer = setTimeout(() => call.destroy(new Error("no answer before the deadline")), DEADLINE_MS + GRACE_MS);
      call.on("error", indeterminate);
      call.on("response", (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", indeterminate);
        response.on("aborted", indeterminate);
        response.on("end", () => {
          clearTimeout(timer);
          resolve(readJson(method.output, response.statusCode ?? 0, Buffer.concat(chunks).toString()));
        });
      });
      call.end(body);
    });

  return {
    send: (protocol, ...call) => (protocol === "grpc" ? overGrpc : overJson)(protocol, ...call),
    close() {
      grpc.close();
      agent.destroy();
    },
  };
}

/** The reason of a gRPC error's ErrorInfo; undefined when it has none. */
function reasonOf(error: ServiceError): string | undefined {
  const [bytes] = error.metadata?.get("grpc-status-details-bin") ?? [];
  return bytes instanceof Buffer ? reasonIn(fromBinary(StatusSchema, bytes).details) : undefined;
}

function readJson<O extends DescMessage>(output: O, status: number, text: string): AttemptResult<MessageShape<O>> {
  try {
    const json = JSON.parse(text) as JsonValue;
    if (status === 200) {
      return { kind: "answered", message: fromJson(output, json, { registry: REGISTRY }) };
    }
    const { code, message, details } = json as {
      code: string;
      message?: string;
      details?: { type: string; value: string }[];
    };
    const info = details?.find(({ type }) => type === ErrorInfoSchema.typeName);
    const reason = info && fromBinary(ErrorInfoSchema, Buffer.from(info.value, "base64")).reason;
    const number = Object.values(Code).find(
      (known) => typeof known === "number" && codeName(known) === code.toUpperCase(),
    );
    return errorResult((number as Code | undefined) ?? Code.Unknown, reason, message ?? "");
  } catch {
    return { kind: "indeterminate" };
  }
}

/**
 * The reason of the google.rpc.ErrorInfo among an error's details; undefined when there is none.
 */
export function reasonIn(details: readonly Any[]): string | undefined {
  for (const detail of details) {
    const info = anyUnpack(detail, ErrorInfoSchema);
    if (info !== undefined) {
      return info.reason;
    }
  }
  return undefined;
}
