import { setTimeout as sleep } from "node:timers/promises";
import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { Random } from "../../tools/testkit/random.ts";
import type { CompletedCall, ServiceAddress } from "../types.ts";
import { createPacer } from "./pacer.ts";
import { type AttemptResult, openServiceClient, type Protocol } from "./service-client.ts";

/** The workload is being ended: no new calls are made. */
export class WorkloadStopped extends Error {
  override readonly name = "Cut";
}

/** What a call came to in the end. */
export type Reply<Message> = Exclude<AttemptResult<Message>, { kind: "indeterminate" }>;

/** Counts one call's attempts. */
export interface Attempts {
  sent: number;
  indeterminate: number;
}

/** Makes calls until they are answered, of whichever service answers. */
export interface Calls {
  /**
   * Waits for its turn, then sends the request again and again, to one service and the other, until there is an answer.
   *
   * @throws Cut when the workload ends before the first attempt, or before the answer
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
  /** New calls end with Cut; those under way go on. */
  stop(): void;
  /** Those under way end with Cut too. */
  abort(): void;
  close(): void;
}

/** Calls under way at most: with a service frozen, each of its calls is under way until its deadline. */
const MAX_UNDER_WAY = 1_200;

/** The pause before a repeat, in milliseconds; it doubles up to the longest. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1_600;

/** For so long a service that did not answer is left aside where the other one answers, in milliseconds, as any balancer does. */
const AVOIDED_MS = 500;

export function createCalls({
  services: addresses,
  perSecond,
  onSpare,
  onCall,
}: {
  readonly services: readonly ServiceAddress[];
  readonly perSecond: number;
  /** Called when a call could be made and none is asked for. */
  readonly onSpare: () => void;
  readonly onCall: (end: CompletedCall) => void;
}): Calls {
  const services = addresses.map((address) => ({ ...openServiceClient(address), avoidUntil: 0 }));
  const pace = createPacer(perSecond, () => {
    if (underWay < MAX_UNDER_WAY) {
      onSpare();
    }
  });
  const answered: Record<string, number> = {};
  let underWay = 0;
  let sent = 0;
  let indeterminate = 0;
  let cut = false;
  let givenUp = false;

  const choose = (wanted: number): number => {
    const now = performance.now();
    const other = (wanted + 1) % services.length;
    const avoided = (index: number) => (services[index]?.avoidUntil ?? 0) > now;
    return avoided(wanted) && !avoided(other) ? other : wanted;
  };

  const room = async () => {
    do {
      await pace.next();
      if (cut) {
        throw new WorkloadStopped();
      }
    } while (underWay >= MAX_UNDER_WAY);
  };

  const calls: Calls = {
    async send(random, method, request, caller, attempts) {
      // Drawn whatever happens, so that a life decides the same in every run.
      let wanted = random.below(services.length);
      let protocol: Protocol = random.chance(0.5) ? "grpc" : "json";
      await room();
      underWay += 1;
      try {
        for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
          const index = choose(wanted);
          const service = services[index] as (typeof services)[number];
          const begin = performance.now();
          attempts.sent += 1;
          sent += 1;
          const answer = await service.send(protocol, method, request, caller);
          const at = performance.now();
          onCall({ at, ok: answer.kind !== "indeterminate", tookMs: at - begin, service: index });
          if (answer.kind !== "indeterminate") {
            answered[method.name] = (answered[method.name] ?? 0) + 1;
            return answer;
          }
          attempts.indeterminate += 1;
          indeterminate += 1;
          service.avoidUntil = at + AVOIDED_MS;
          if (givenUp) {
            throw new WorkloadStopped();
          }
          wanted = (index + 1) % services.length;
          protocol = protocol === "grpc" ? "json" : "grpc";
          await sleep(pause);
        }
      } finally {
        underWay -= 1;
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
      cut = true;
    },
    abort() {
      givenUp = true;
    },
    close() {
      pace.stop();
      for (const service of services) {
        service.close();
      }
    },
  };
  return calls;
}
