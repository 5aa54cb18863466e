import { ConnectError } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { createClients, createConnection, type ServiceClients } from "../tools/client/index.ts";

/** Calls per second of each caller. */
const PER_SECOND = 50;

/** Interval in which due calls are made, in milliseconds. */
const TICK_MS = 5;

/** Deadline of a call, in milliseconds. */
const DEADLINE_MS = 5_000;

const CALLERS = ["gRPC", "Connect"] as const;

export type CallerName = (typeof CALLERS)[number];

/** What the callers experienced in a period. */
export interface Experience {
  /** Median time of a call from the moment it was due, in milliseconds. */
  readonly p50: Readonly<Record<CallerName, number>>;
  readonly calls: number;
  /** Texts of the errors of failed calls. */
  readonly failures: readonly string[];
}

/** Callers in ordinary use: one over gRPC, one over Connect with JSON. */
export interface OrdinaryCallers {
  /** The calls that ended since the last call of this function. */
  experience(): Experience;
  close(): void;
}

export interface OrdinaryCallersOptions {
  readonly grpcPort: number;
  readonly httpPort: number;
  /** A bearer token. */
  readonly authorization: string;
  readonly orderId: bigint;
}

/** Makes calls at a steady rate, whether or not the previous ones were answered. */
export function startOrdinaryCallers(options: OrdinaryCallersOptions): OrdinaryCallers {
  const { grpcPort, httpPort, authorization, orderId } = options;
  const grpc = createConnection(`127.0.0.1:${grpcPort}`);
  const http = createConnectTransport({
    baseUrl: `http://127.0.0.1:${httpPort}`,
    httpVersion: "1.1",
    useBinaryFormat: false,
  });
  const clients: Record<CallerName, ServiceClients> = { gRPC: grpc, Connect: createClients(http) };
  let times: Record<CallerName, number[]> = { gRPC: [], Connect: [] };
  let failures: string[] = [];
  const startedAt = performance.now();
  let made = 0;
  const headers = { authorization };

  async function call(name: CallerName, dueAt: number): Promise<void> {
    try {
      await clients[name].orderStatus.getOrderStatus({ orderId }, { headers, timeoutMs: DEADLINE_MS });
      times[name].push(performance.now() - dueAt);
    } catch (error) {
      failures.push(`${name}: ${ConnectError.from(error).message}`);
    }
  }

  const timer = setInterval(() => {
    const due = ((performance.now() - startedAt) / 1_000) * PER_SECOND;
    for (; made < due; made += 1) {
      const dueAt = startedAt + (made * 1_000) / PER_SECOND;
      for (const name of CALLERS) {
        void call(name, dueAt);
      }
    }
  }, TICK_MS);

  return {
    experience() {
      const ended = { times, failures };
      times = { gRPC: [], Connect: [] };
      failures = [];
      return {
        p50: { gRPC: median(ended.times.gRPC), Connect: median(ended.times.Connect) },
        calls: ended.times.gRPC.length + ended.times.Connect.length + ended.failures.length,
        failures: ended.failures,
      };
    },
    close() {
      clearInterval(timer);
      grpc.close();
    },
  };
}

/** Infinite without any time: no call was answered. */
function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.POSITIVE_INFINITY;
}
