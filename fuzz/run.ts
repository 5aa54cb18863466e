import type { FuzzCase, FuzzClients } from "./cases/case.ts";
import { caseAt } from "./cases/index.ts";
import { openHttp1 } from "./clients/http1.ts";
import { openHttp2 } from "./clients/http2.ts";
import { createTally, type Tally } from "./tally.ts";
import type { Fixture } from "./values/fixture.ts";

export interface FuzzOptions {
  readonly grpcPort: number;
  readonly httpPort: number;
  readonly seed: number;
  /** The first request's number. */
  readonly from?: number;
  readonly requests: number;
  readonly fixture: Fixture;
  /** Ends the run early. */
  readonly signal?: AbortSignal;
  /** Hears of the tally as it grows. */
  readonly onProgress?: (tally: Tally) => void;
}

/** Requests at the same time. */
const WORKERS = 32;

/** A call that has no answer after this long never has one, in milliseconds: the service's own limit is 30 s. */
const HANG_MS = 45_000;

/** Sends requests of every kind to a service, each made from the seed and its number, and looks at each answer. */
export async function fuzz({
  grpcPort,
  httpPort,
  seed,
  from = 0,
  requests,
  fixture,
  signal,
  onProgress = () => {},
}: FuzzOptions): Promise<Tally> {
  const clients: FuzzClients = {
    grpc: openHttp2(grpcPort, 4),
    http: openHttp1(httpPort, 24),
    http2: openHttp2(httpPort, 2),
  };
  const tally = createTally();
  onProgress(tally);
  let next = from;
  const work = async () => {
    while (next < from + requests && signal?.aborted !== true) {
      const index = next;
      next += 1;
      const fuzzCase = caseAt(seed, index, fixture);
      tally.add(fuzzCase, await inTime(fuzzCase, clients), index);
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, work));
  for (const way of Object.values(clients)) {
    way.close();
  }
  return tally;
}

function inTime(fuzzCase: FuzzCase, clients: FuzzClients): ReturnType<FuzzCase["send"]> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve({ code: "UNKNOWN", text: "no answer: it hangs" }), HANG_MS);
    fuzzCase.send(clients).then((answer) => {
      clearTimeout(timer);
      resolve(answer);
    }, reject);
  });
}
