import type { BackendProcesses, Endpoints } from "../tools/testkit/backends.ts";
import { runProgram, startBaseline } from "./environment/baseline.ts";
import { type SeedTarget, seedOrders } from "./environment/orders.ts";
import { type ServiceOptions, startService } from "./environment/service.ts";
import type { RunningSubject, Service } from "./environment/subject.ts";
import type { OrderIds } from "./load/index.ts";
import type { Sample } from "./statistics.ts";

export type { Endpoints } from "../tools/testkit/backends.ts";
export type { SeedTarget } from "./environment/orders.ts";
export type { ServiceOptions } from "./environment/service.ts";
export type { RunningSubject, Service } from "./environment/subject.ts";
export type { OrderIds } from "./load/index.ts";

/**
 * What a scenario measures with: the shared backends, and functions that start one subject at a
 * time.
 */
export interface Environment {
  readonly endpoints: Endpoints;
  /** Short measurements. */
  readonly quick: boolean;
  /** Measured time of each level. */
  readonly seconds: number;
  /** Warm-up before each measurement, in seconds. */
  readonly warmup: number;
  /** Number of orders of the scenario growth. */
  readonly orders: number;
  /** Prints a line above the progress bar. */
  print(line: string): void;
  /** Starts the service with schemas and a stream of its own, which several processes share. */
  startService(options?: ServiceOptions): Promise<Service>;
  /** Starts a server of bench/baselines, given by its file name, for example "no-op.ts". */
  startBaseline(script: string, env?: Readonly<Record<string, string>>): Promise<RunningSubject>;
  /** Runs a program of bench/baselines that measures by itself, and returns its measurements. */
  runProgram(script: string, args?: readonly string[], env?: Readonly<Record<string, string>>): Promise<Sample>;
  /** Inserts orders at CREATED into a subject's schemas. */
  seedOrders(target: SeedTarget, count: number): Promise<OrderIds>;
  /** Processor time of backends and stub systems so far, in seconds. */
  backendsCpu(): Readonly<Record<string, number>>;
}

export interface EnvironmentOptions extends Pick<Environment, "quick" | "seconds" | "warmup" | "orders" | "print"> {
  readonly backends: BackendProcesses;
}

/** An environment, and a function that stops what a failed measurement left running. */
export function createEnvironment({ backends, ...options }: EnvironmentOptions): {
  readonly environment: Environment;
  readonly stopAll: () => Promise<void>;
} {
  const { endpoints } = backends;
  const running = new Set<RunningSubject>();
  const tracked = async <R extends RunningSubject>(start: Promise<R>): Promise<R> => {
    const started = await start;
    running.add(started);
    return {
      ...started,
      async stop() {
        running.delete(started);
        await started.stop();
      },
    };
  };
  return {
    environment: {
      ...options,
      endpoints,
      startService: (serviceOptions) => tracked(startService(backends, serviceOptions)),
      startBaseline: (script, env) => tracked(startBaseline(backends, script, env)),
      runProgram: (script, args, env) => runProgram(backends, script, args, env),
      seedOrders: (target, count) => seedOrders(endpoints.mysqlUrl, target, count),
      backendsCpu: backends.cpu,
    },
    async stopAll() {
      const left = [...running];
      running.clear();
      await Promise.all(left.map((subject) => subject.stop()));
    },
  };
}
