import type { DescMethod } from "@bufbuild/protobuf";
import type { Random } from "../../tools/testkit/random.ts";
import type { Http1Client } from "../clients/http1.ts";
import type { Http2Client } from "../clients/http2.ts";
import type { CallResult } from "../clients/result.ts";
import type { Fixture } from "../values/scalars.ts";

/** Clients by transport. */
export interface FuzzClients {
  readonly grpc: Http2Client;
  readonly http: Http1Client;
  /** Connect over HTTP/2. */
  readonly http2: Http2Client;
}

/** One generated request. */
export interface FuzzCase {
  /** For example "gRPC" or "Connect JSON". */
  readonly transport: string;
  /** Name of the RPC or of the legacy method. */
  readonly rpc: string;
  /** What was mutated. */
  readonly mutation: string;
  /** It sets a deadline, which may expire. */
  readonly hasDeadline: boolean;
  send(clients: FuzzClients): Promise<CallResult>;
}

/** Builds a request for an RPC. */
export type CaseBuilder = (random: Random, method: DescMethod, fixture: Fixture) => FuzzCase;

/** URL path of an RPC. */
export const pathOf = ({ parent, name }: DescMethod): string => `/${parent.typeName}/${name}`;
