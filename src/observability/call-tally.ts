import { boundedLabels } from "./bounded-labels.ts";
import type { Metrics } from "./metrics.ts";

/**
 * Maximum number of distinct callers: each has a series per RPC it calls, and one more per code.
 */
const MAX_CALLERS = 50;

/** Counts the calls of one RPC. */
export interface RpcTally {
  begin(): void;
  end(caller: string, code: string, seconds: number): void;
}

interface CallerTally {
  /** Number of calls, by code. */
  readonly codes: Map<string, number>;
  seconds: number;
}

/**
 * Counts calls by RPC and caller in plain numbers, which are read on each scrape. Counting a call
 * takes two lookups in small maps.
 */
export function createCallTally({
  rpcCalls,
  rpcCallerSeconds,
  rpcInFlight,
}: Pick<Metrics, "rpcCalls" | "rpcCallerSeconds" | "rpcInFlight">): (rpc: string) => RpcTally {
  const labelOf = boundedLabels(MAX_CALLERS);
  const rpcs = new Map<string, { inFlight: number; readonly callers: Map<string, CallerTally> }>();

  rpcInFlight.addCallback((observe) => {
    for (const [rpc, { inFlight, callers }] of rpcs) {
      if (inFlight > 0 || callers.size > 0) {
        observe({ rpc }, inFlight);
      }
    }
  });
  rpcCalls.addCallback((observe) => {
    for (const [rpc, { callers }] of rpcs) {
      for (const [caller, { codes }] of callers) {
        for (const [code, count] of codes) {
          observe({ rpc, caller, code }, count);
        }
      }
    }
  });
  rpcCallerSeconds.addCallback((observe) => {
    for (const [rpc, { callers }] of rpcs) {
      for (const [caller, { seconds }] of callers) {
        observe({ rpc, caller }, seconds);
      }
    }
  });

  return (rpc) => {
    const counts = { inFlight: 0, callers: new Map<string, CallerTally>() };
    rpcs.set(rpc, counts);

    const tallyOf = (name: string): CallerTally => {
      const caller = labelOf(name);
      const tally = counts.callers.get(caller) ?? { codes: new Map<string, number>(), seconds: 0 };
      counts.callers.set(caller, tally);
      return tally;
    };

    return {
      begin() {
        counts.inFlight += 1;
      },
      end(caller, code, seconds) {
        counts.inFlight -= 1;
        const tally = counts.callers.get(caller) ?? tallyOf(caller);
        tally.codes.set(code, (tally.codes.get(code) ?? 0) + 1);
        tally.seconds += seconds;
      },
    };
  };
}
