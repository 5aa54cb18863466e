import type { DescMethod } from "@bufbuild/protobuf";
import type { Random } from "../../faults/workload/random.ts";
import type { Answer } from "../clients/answer.ts";
import type { Http1Client } from "../clients/http1.ts";
import type { Http2Client } from "../clients/http2.ts";
import type { World } from "../values/fixture.ts";

/** The ways in. */
export interface Ways {
  readonly grpc: Http2Client;
  readonly http: Http1Client;
  /** Connect over HTTP/2. */
  readonly http2: Http2Client;
}

/** A request that is ready to go. */
export interface Shot {
  /** The way in, for example "gRPC" or "Connect JSON". */
  readonly front: string;
  /** The RPC or the old method. */
  readonly rpc: string;
  /** What is odd about it. */
  readonly oddity: string;
  /** It names a deadline, which may well pass. */
  readonly hasDeadline: boolean;
  send(ways: Ways): Promise<Answer>;
}

/** Makes a shot at an RPC. */
export type MakeShot = (random: Random, method: DescMethod, world: World) => Shot;

/** A path for an RPC. */
export const pathOf = ({ parent, name }: DescMethod): string => `/${parent.typeName}/${name}`;
