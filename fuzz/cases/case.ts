import type { DescMethod } from "@bufbuild/protobuf";
import type { Random } from "../../tools/testkit/random.ts";
import type { CallResult } from "../clients/answer.ts";
import type { Http1Client } from "../clients/http1.ts";
import type { Http2Client } from "../clients/http2.ts";
import type { Fixture } from "../values/fixture.ts";

/** The ways in. */
export interface FuzzClients {
  readonly grpc: Http2Client;
  readonly http: Http1Client;
  /** Connect over HTTP/2. */
  readonly http2: Http2Client;
}

/** A request that is ready to go. */
export interface FuzzCase {
  /** The way in, for example "gRPC" or "Connect JSON". */
  readonly front: string;
  /** The RPC or the old method. */
  readonly rpc: string;
  /** What is odd about it. */
  readonly oddity: string;
  /** It names a deadline, which may well pass. */
  readonly hasDeadline: boolean;
  send(ways: FuzzClients): Promise<CallResult>;
}

/** Makes a shot at an RPC. */
export type CaseBuilder = (random: Random, method: DescMethod, world: Fixture) => FuzzCase;

/** A path for an RPC. */
export const pathOf = ({ parent, name }: DescMethod): string => `/${parent.typeName}/${name}`;
