import { setTimeout as sleep } from "node:timers/promises";
import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { Random } from "../../tools/testkit/random.ts";
import type { CompletedCall, ServiceAddress } from "../types.ts";
import { createPacer } from "./pacer.ts";
import { type AttemptResult, openServiceClient, type Protocol } from "./service-client.ts";

/** The workload is ending: no new calls are started. */
export class WorkloadStopped extends Error {
  override readonly name = "WorkloadStopped";
}

/** Final result of a call. */
export type Reply<Message> = Exclude<AttemptResult<Message>, { kind: "indeterminate" }>;

/** Attempts of one call. */
export interface Attempts {
  sent: number;
  /** Without an answer. */
  indeterminate: number;
}

/** Makes calls, retrying on either service until there is an answer. */
export interface Calls {
  /**
   * Waits for a slot, then sends the request to alternating services until it is answered.
   *
   * @throws WorkloadStopped when the workload ends before the first attempt, or is aborted before
   *   the answer
   */
  send<I extends DescMessage, O extends DescMessage>(
    random: Random,
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    caller: string,
    attempts: Attempts,
  ): Promise<Reply<MessageShape<O>>>;
  readonly attempts: number;
  readonly indeterminate: number;
  readonly answered: Readonly<Record<string, number>>;
  /** New calls reject with WorkloadStopped; those in flight continue. */
  stop(): void;
  /** Calls in flight reject with WorkloadStopped after their current attempt. */
  abort(): void;
  close(): void;
}

/**
 * Maximum number of calls in flight: each call to a frozen service is in flight until its deadline.
 */
const MAX_IN_FLIGHT = 1_200;

/** Delay before a retry, in milliseconds; doubles up to the maximum. */
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 1_600;

/**
 * Time that a service is avoided after an attempt without an answer, in milliseconds, as by a load
 * balancer.
 */
const AVOID_MS = 500;

export function createCalls({
  services: addresses,
  perSecond,
  onUnclaimed,
  onCall,
}: {
  readonly services: readonly ServiceAddress[];
  readonly perSecond: number;
  /** Called for each slot that no call is waiting for. */
  readonly onUnclaimed: () => void;
  readonly onCall: (call: CompletedCall) => void;
}): Calls {
  const services = addresses.map((address) => ({ ...openServiceClient(address), avoidUntil: 0 }));
  const pacer = createPacer(perSecond, () => {
    if (inFlight < MAX_IN_FLIGHT) {
      onUnclaimed();
    }
  });
  const answered: Record<string, number> = {};
  let inFlight = 0;
  let sent = 0;
  let indeterminate = 0;
  let stopped = false;
  let aborted = false;

  const choose = (preferred: number): number => {
    const now = performance.now();
    const other = (preferred + 1) % services.length;
    const avoided = (index: number) => (services[index]?.avoidUntil ?? 0) > now;
    return avoided(preferred) && !avoided(other) ? other : preferred;
  };

  const waitForSlot = async () => {
    do {
      await pacer.next();
      if (stopped) {
        throw new WorkloadStopped();
      }
    } while (inFlight >= MAX_IN_FLIGHT);
  };

  const calls: Calls = {
    async send(random, method, request, caller, attempts) {
      // Always drawn, so that a scenario makes the same decisions in every run.
      let preferred = random.below(services.length);
      let protocol: Protocol = random.chance(0.5) ? "grpc" : "json";
      await waitForSlot();
      inFlight += 1;
      try {
        for (let delay = FIRST_RETRY_MS; ; delay = Math.min(2 * delay, MAX_RETRY_MS)) {
          const index = choose(preferred);
          const service = services[index] as (typeof services)[number];
          const begin = performance.now();
          attempts.sent += 1;
          sent += 1;
          const result = await service.send(protocol, method, request, caller);
          const at = performance.now();
          onCall({ at, ok: result.kind !== "indeterminate", tookMs: at - begin, service: index });
          if (result.kind !== "indeterminate") {
            answered[method.name] = (answered[method.name] ?? 0) + 1;
            return result;
          }
          attempts.indeterminate += 1;
          indeterminate += 1;
          service.avoidUntil = at + AVOID_MS;
          if (aborted) {
            throw new WorkloadStopped();
          }
          preferred = (index + 1) % services.length;
          protocol = protocol === "grpc" ? "json" : "grpc";
          await sleep(delay);
        }
      } finally {
        inFlight -= 1;
      }
    },
    get attempts() {
      return sent;
    },
    get indeterminate() {
      return indeterminate;
    },
    answered,
    stop() {
      stopped = true;
    },
    abort() {
      aborted = true;
    },
    close() {
      pacer.stop();
      for (const service of services) {
        service.close();
      }
    },
  };
  return calls;
}
