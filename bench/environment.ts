import type { BackendProcesses, Endpoints } from "../tools/testkit/backends.ts";
import { runProgram, startBaseline } from "./environment/baseline.ts";
import { type SeedTarget, seedOrders } from "./environment/orders.ts";
import { type ServiceOptions, startService } from "./environment/service.ts";
import type { RunningSubject, Service } from "./environment/subject.ts";
import type { OrderIds } from "./load/index.ts";
import type { Sample } from "./measurements.ts";

export type { Endpoints } from "../tools/testkit/backends.ts";
export type { SeedTarget } from "./environment/orders.ts";
export type { ServiceOptions } from "./environment/service.ts";
export type { RunningSubject, Service } from "./environment/subject.ts";
export type { OrderIds } from "./load/index.ts";

/** What a scenario measures with: the run's servers, and ways to start one subject at a time. */
export interface Environment {
  readonly endpoints: Endpoints;
  /** Shorter and coarser, to see whether all is well. */
  readonly quick: boolean;
  /** Of one measurement at one level. */
  readonly seconds: number;
  /** Seconds before each measurement. */
  readonly warmup: number;
  /** How many orders there are in the end where growth is measured. */
  readonly orders: number;
  /** Shows a line beside the progress bar. */
  print(line: string): void;
  /** The service with schemas and a stream of its own; several processes share them. */
  startService(options?: ServiceOptions): Promise<Service>;
  /** A program of bench/baselines that serves, by its file name, for example "no-op.ts". */
  startBaseline(script: string, env?: Readonly<Record<string, string>>): Promise<RunningSubject>;
  /** A program of bench/baselines that measures by itself: the figures that it prints at its end. */
  runProgram(script: string, args?: readonly string[], env?: Readonly<Record<string, string>>): Promise<Sample>;
  /** Puts so many orders at CREATED into a subject's schemas. */
  seedOrders(target: SeedTarget, count: number): Promise<OrderIds>;
  /** Seconds of processor time that each of the servers and the neighbours took so far. */
  backendsCpu(): Readonly<Record<string, number>>;
}

export interface EnvironmentOptions extends Pick<Environment, "quick" | "seconds" | "warmup" | "orders" | "print"> {
  readonly processes: BackendProcesses;
}

/** An environment, and a way to end what a measurement that failed left running. */
export function createEnvironment({ processes, ...options }: EnvironmentOptions): {
  readonly environment: Environment;
  readonly endAll: () => Promise<void>;
} {
  const { endpoints } = processes;
  const running = new Set<RunningSubject>();
  const kept = async <R extends RunningSubject>(start: Promise<R>): Promise<R> => {
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
      startService: (wanted) => kept(startService(processes, wanted)),
      startBaseline: (script, env) => kept(startBaseline(processes, script, env)),
      runProgram: (script, args, env) => runProgram(processes, script, args, env),
      seedOrders: (target, count) => seedOrders(endpoints.mysqlUrl, target, count),
      backendsCpu: processes.cpu,
    },
    async endAll() {
      const left = [...running];
      running.clear();
      await Promise.all(left.map((one) => one.stop()));
    },
  };
}
