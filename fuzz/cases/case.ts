import type { DescMethod } from "@bufbuild/protobuf";
import type { Random } from "../../tools/testkit/random.ts";
import type { CallResult } from "../clients/answer.ts";
import type { Http1Client } from "../clients/http1.ts";
import type { Http2Client } from "../clients/http2.ts";
import type { Fixture } from "../values/fixture.ts";

/** The clients in. */
export interface FuzzClients {
  readonly grpc: Http2Client;
  readonly http: Http1Client;
  /** Connect over HTTP/2. */
  readonly http2: Http2Client;
}

/** A request that is ready to go. */
export interface FuzzCase {
  /** The way in, for example "gRPC" or "Connect JSON". */
  readonly transport: string;
  /** The RPC or the old method. */
  readonly rpc: string;
  /** What is odd about it. */
  readonly mutation: string;
  /** It names a deadline, which may well pass. */
  readonly hasDeadline: boolean;
  send(clients: FuzzClients): Promise<CallResult>;
}

/** Makes a fuzzCase at an RPC. */
export type CaseBuilder = (random: Random, method: DescMethod, fixture: Fixture) => FuzzCase;

/** A path for an RPC. */
export const pathOf = ({ parent, name }: DescMethod): string => `/${parent.typeName}/${name}`;
