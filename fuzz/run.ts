import type { FuzzCase, FuzzClients } from "./cases/case.ts";
import { caseAt } from "./cases/index.ts";
import { openHttp1 } from "./clients/http1.ts";
import { openHttp2 } from "./clients/http2.ts";
import type { CallResult } from "./clients/result.ts";
import { createTally, type Tally } from "./tally.ts";
import type { Fixture } from "./values/scalars.ts";

export interface FuzzOptions {
  readonly grpcPort: number;
  readonly httpPort: number;
  readonly seed: number;
  /** Number of the first request; 0 by default. */
  readonly from?: number;
  readonly requests: number;
  readonly fixture: Fixture;
  /** Ends the run early. */
  readonly signal?: AbortSignal;
  /** Receives the tally, which grows during the run. */
  readonly onStart?: (tally: Tally) => void;
}

/** Concurrent requests. */
const WORKERS = 32;

/** Time after which a call counts as hanging, in milliseconds: the service's own limit is 30 s. */
const HANG_MS = 45_000;

/**
 * Sends requests to a service, each generated from the seed and its number, and checks each result.
 */
export async function fuzz({
  grpcPort,
  httpPort,
  seed,
  from = 0,
  requests,
  fixture,
  signal,
  onStart = () => {},
}: FuzzOptions): Promise<Tally> {
  const clients: FuzzClients = {
    grpc: openHttp2(grpcPort, 4),
    http: openHttp1(httpPort, 24),
    http2: openHttp2(httpPort, 2),
  };
  const tally = createTally();
  onStart(tally);
  let next = from;
  const work = async () => {
    while (next < from + requests && signal?.aborted !== true) {
      const index = next;
      next += 1;
      const fuzzCase = caseAt(seed, index, fixture);
      tally.add(fuzzCase, await sendInTime(fuzzCase, clients), index);
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, work));
  for (const client of Object.values(clients)) {
    client.close();
  }
  return tally;
}

function sendInTime(fuzzCase: FuzzCase, clients: FuzzClients): Promise<CallResult> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve({ code: "UNKNOWN", text: "no answer: the call hangs" }), HANG_MS);
    fuzzCase.send(clients).then((result) => {
      clearTimeout(timer);
      resolve(result);
    }, reject);
  });
}
