import {
  type DescMessage,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
  toJson,
} from "@bufbuild/protobuf";
import type { ServiceError } from "@grpc/grpc-js";
import type { Command } from "commander";
import { type Client, connect } from "../client/index.ts";
import type { GlobalOptions } from "./args.ts";
import { CallError } from "./failures.ts";
import { print } from "./terminal.ts";

/** How the command line names itself to the service. */
const CALLER = "oms-cli";

/** What a command works with. */
export interface Session {
  /** HOST:PORT of the service. */
  readonly server: string;
  /** Whether a script reads the answers. */
  readonly json: boolean;
  /** @throws CallError */
  call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
  ): Promise<MessageShape<O>>;
  /** Messages of a stream until the signal aborts, which ends it in order. @throws CallError */
  stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    signal: AbortSignal,
  ): AsyncIterable<MessageShape<O>>;
  /** Prints an answer: a JSON document for scripts, else the text. */
  show<D extends DescMessage>(schema: D, message: MessageShape<D>, text: () => string): void;
  /** Prints one of many messages of a stream: a line of JSON, or the text. */
  showLine<D extends DescMessage>(schema: D, message: MessageShape<D>, text: () => string): void;
}

/** Runs a command's work with the service that its options name, and hangs up afterwards. */
export async function withService(command: Command, work: (session: Session) => Promise<void>): Promise<void> {
  const options = command.optsWithGlobals<GlobalOptions>();
  const { server, json = false } = options;
  // Not an option: those stand in the list of processes, for all to read.
  const client = connectWith(command, options);
  const printAs =
    (indent: number) =>
    <D extends DescMessage>(schema: D, message: MessageShape<D>, text: () => string) =>
      print(json ? JSON.stringify(toJson(schema, message, { alwaysEmitImplicit: true }), null, indent) : text());
  try {
    await work({
      server,
      json,
      async call(method, request) {
        try {
          return await client.call(method, request, CALLER);
        } catch (error) {
          throw new CallError(error as ServiceError, server, method.name);
        }
      },
      async *stream(method, request, signal) {
        const call = client.watch(method, request, CALLER);
        const cancel = () => call.cancel();
        signal.addEventListener("abort", cancel);
        try {
          yield* call;
        } catch (error) {
          if (!signal.aborted) {
            throw new CallError(error as ServiceError, server, method.name);
          }
        } finally {
          signal.removeEventListener("abort", cancel);
          call.cancel();
        }
      },
      show: printAs(2),
      showLine: printAs(0),
    });
  } finally {
    client.close();
  }
}

function connectWith(command: Command, { server, tlsCa, clientCert: cert, clientKey: key }: GlobalOptions): Client {
  if ((cert === undefined) !== (key === undefined) || (cert !== undefined && tlsCa === undefined)) {
    command.error("error: a client certificate takes --client-cert, --client-key and --tls-ca together");
  }
  const certificate = cert === undefined || key === undefined ? undefined : { cert, key };
  try {
    return connect(server, { ca: tlsCa, certificate, token: process.env.OMS_TOKEN || undefined });
  } catch (error) {
    return command.error(
      `error: the files of --tls-ca, --client-cert and --client-key cannot be used: ${(error as Error).message}`,
    );
  }
}
