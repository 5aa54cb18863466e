import {
  create,
  type DescMessage,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import {
  type ChannelCredentials,
  type ClientReadableStream,
  credentials,
  Client as GrpcClient,
  Metadata,
  type ServiceError,
} from "@grpc/grpc-js";
import { StatusSchema } from "../../gen/google/rpc/status_pb.ts";

/** Longest wait for one answer. */
export const DEADLINE_MS = 20_000;

/** A gRPC client of the services, typed by the generated descriptors: what any caller in Node would write. */
export interface Client {
  /** Calls as one of the systems around the service. */
  call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    caller: string,
  ): Promise<MessageShape<O>>;
  /** Opens a stream; it ends when it is cancelled. */
  watch<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    caller: string,
  ): ClientReadableStream<MessageShape<O>>;
  /** Waits until the server can be reached; rejects when it cannot. */
  ready(timeoutMs: number): Promise<void>;
  close(): void;
}

const pathOf = (method: { parent: { typeName: string }; name: string }) => `/${method.parent.typeName}/${method.name}`;
const serializer =
  <D extends DescMessage>(desc: D) =>
  (message: MessageShape<D>) =>
    Buffer.from(toBinary(desc, message));
const deserializer =
  <D extends DescMessage>(desc: D) =>
  (bytes: Buffer) =>
    fromBinary(desc, bytes);

/** What a client shows of itself, and whom it believes. */
export interface Credentials {
  /** The CA that vouches for the service, PEM; undefined: the service speaks in the clear. */
  readonly ca?: string | undefined;
  /** A certificate for the service to verify and its key, PEM, over TLS. */
  readonly certificate?: { readonly cert: string; readonly key: string } | undefined;
  /** A bearer token; undefined where the service asks for none. */
  readonly token?: string | undefined;
}

export function connect(address: string, { ca, certificate, token }: Credentials = {}): Client {
  const metadataOf = (caller: string): Metadata => {
    const metadata = new Metadata();
    metadata.set("oms-caller", caller);
    if (token !== undefined) {
      metadata.set("authorization", `Bearer ${token}`);
    }
    return metadata;
  };
  // The service is in the network that the caller is in: a proxy, which the environment may name, is for what lies outside.
  const grpc = new GrpcClient(address, channelCredentials(ca, certificate), { "grpc.enable_http_proxy": 0 });
  return {
    call: (method, request, caller) =>
      new Promise((resolve, reject) => {
        grpc.makeUnaryRequest(
          pathOf(method),
          serializer(method.input),
          deserializer(method.output),
          create(method.input, request),
          metadataOf(caller),
          { deadline: Date.now() + DEADLINE_MS },
          (error, answer) => {
            if (answer === undefined) {
              reject(error);
            } else {
              resolve(answer);
            }
          },
        );
      }),
    watch: (method, request, caller) =>
      grpc.makeServerStreamRequest(
        pathOf(method),
        serializer(method.input),
        deserializer(method.output),
        create(method.input, request),
        metadataOf(caller),
      ),
    ready: (timeoutMs) =>
      new Promise((resolve, reject) => {
        grpc.waitForReady(Date.now() + timeoutMs, (error) => (error === undefined ? resolve() : reject(error)));
      }),
    close: () => grpc.close(),
  };
}

function channelCredentials(ca: string | undefined, certificate: Credentials["certificate"]): ChannelCredentials {
  if (ca === undefined) {
    return credentials.createInsecure();
  }
  const { key, cert } = certificate ?? {};
  const bytes = (pem: string | undefined) => (pem === undefined ? null : Buffer.from(pem));
  return credentials.createSsl(Buffer.from(ca), bytes(key), bytes(cert));
}

/** A detail of a failed call (a message of google.rpc, for example ErrorInfo); undefined where it carries none of that kind. */
export function detailOf<D extends DescMessage>(error: unknown, schema: D): MessageShape<D> | undefined {
  const [bytes] = (error as Partial<ServiceError>).metadata?.get("grpc-status-details-bin") ?? [];
  if (!(bytes instanceof Buffer)) {
    return undefined;
  }
  const detail = fromBinary(StatusSchema, bytes).details.find(({ typeUrl }) => typeUrl.endsWith(`/${schema.typeName}`));
  return detail === undefined ? undefined : fromBinary(schema, detail.value);
}
