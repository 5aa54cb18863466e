import { type DescMessage, type MessageShape, toJson } from "@bufbuild/protobuf";
import type { Command } from "commander";
import { createConnection, type ServiceClients, type ServiceConnection } from "../client/index.ts";
import type { GlobalOptions } from "./args.ts";
import { print } from "./terminal.ts";

/** The caller name sent to the service. */
const CALLER = "oms-cli";

/** What a command works with: clients of the service, and its output. */
export interface Session extends ServiceClients {
  /** HOST:PORT of the service. */
  readonly server: string;
  /** Whether the output is JSON. */
  readonly json: boolean;
  /** Prints a response: as a JSON document with --json, else as text. */
  show<D extends DescMessage>(schema: D, message: MessageShape<D>, text: () => string): void;
  /** Prints a message of a stream: as a line of JSON with --json, else as text. */
  showLine<D extends DescMessage>(schema: D, message: MessageShape<D>, text: () => string): void;
}

/** Runs a command against the service its options name, and closes the connection afterwards. */
export async function withService(command: Command, work: (session: Session) => Promise<void>): Promise<void> {
  const options = command.optsWithGlobals<GlobalOptions>();
  const { server, json = false } = options;
  const connection = connectWith(command, options);
  const printAs =
    (indent: number) =>
    <D extends DescMessage>(schema: D, message: MessageShape<D>, text: () => string) =>
      print(json ? JSON.stringify(toJson(schema, message, { alwaysEmitImplicit: true }), null, indent) : text());
  try {
    await work({ ...connection, server, json, show: printAs(2), showLine: printAs(0) });
  } finally {
    connection.close();
  }
}

function connectWith(
  command: Command,
  { server, tlsCa, clientCert: cert, clientKey: key }: GlobalOptions,
): ServiceConnection {
  if ((cert === undefined) !== (key === undefined) || (cert !== undefined && tlsCa === undefined)) {
    command.error("error: a client certificate requires --client-cert, --client-key and --tls-ca");
  }
  const certificate = cert === undefined || key === undefined ? undefined : { cert, key };
  try {
    // The token is not an option: options are visible in the list of processes.
    return createConnection(server, {
      caller: CALLER,
      ca: tlsCa,
      certificate,
      token: process.env.OMS_TOKEN || undefined,
    });
  } catch (error) {
    return command.error(
      `error: the files of --tls-ca, --client-cert and --client-key are not usable: ${(error as Error).message}`,
    );
  }
}
