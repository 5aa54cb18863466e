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
import { Code } from "@connectrpc/connect";
import { credentials, Client as GrpcClient, Metadata, type ServiceError } from "@grpc/grpc-js";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../../gen/google/rpc/status_pb.ts";
import type { ServiceAddress } from "../types.ts";
import { reasonIn } from "./reason.ts";

export type Protocol = "grpc" | "json";

/** What one attempt came to. */
export type AttemptResult<Message> =
  | { readonly kind: "answered"; readonly message: Message }
  /** The service says no, and means the request. `why`: the reason of its ErrorInfo, else the code's name. */
  | { readonly kind: "refused"; readonly why: string }
  /** Nobody can say whether it was carried out, or it was not this time: it is to be sent again. */
  | { readonly kind: "indeterminate" };

/** One service, over both of its ports, with connections that stay open. */
export interface ServiceClient {
  send<I extends DescMessage, O extends DescMessage>(
    protocol: Protocol,
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    caller: string,
  ): Promise<AttemptResult<MessageShape<O>>>;
  close(): void;
}

/** How long an attempt waits for its answer, in milliseconds: longer than a commit whose database is being started again. */
const DEADLINE_MS = 3_000;

/** A frozen service is left alone so much later than its own deadline would have it answer, in milliseconds. */
const GRACE_MS = 200;

const JSON_CONNECTIONS = 64;

/** What a caller who can send a request again need not driver apart. */
const SILENT: ReadonlySet<Code> = new Set([
  Code.Unavailable,
  Code.DeadlineExceeded,
  Code.ResourceExhausted,
  Code.Canceled,
  Code.Unknown,
]);

/** Details in the answer to a batch, which JSON can only read when it knows their types. */
const REGISTRY = createRegistry(ErrorInfoSchema, BadRequestSchema, RetryInfoSchema);

/** Whether the request is to be sent again for that. */
export function isIndeterminate(code: Code): boolean {
  return SILENT.has(code);
}

/** What a refusal of this code and message is to us. A connection that broke is INTERNAL to some; only the service says whose bug it is. */
function refusal(code: Code, reason: string | undefined, message: string): AttemptResult<never> {
  const broke = code === Code.Internal && !message.includes("internal error; call");
  return isIndeterminate(code) || broke
    ? { kind: "indeterminate" }
    : { kind: "refused", why: reason ?? codeName(code) };
}

/** For example INVALID_ARGUMENT. */
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
            resolve(refusal(code as unknown as Code, reasonOf(error as ServiceError), details));
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
      const timer = setTimeout(() => call.destroy(new Error("no answer in time")), DEADLINE_MS + GRACE_MS);
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

/** The reason of a gRPC error's ErrorInfo; undefined where it has none. */
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
    return refusal((number as Code | undefined) ?? Code.Unknown, reason, message ?? "");
  } catch {
    return { kind: "indeterminate" };
  }
}
