import type { Metrics } from "../../tools/testkit/metrics.ts";

/** One subject's server, running. */
export interface RunningSubject {
  /** gRPC; or the one port of a subject that speaks HTTP/1.1 only. */
  readonly port: number;
  /** Connect, health and metrics, where there are any. */
  readonly httpPort?: number;
  readonly pid: number;
  /** Put before the names of its schemas. */
  readonly prefix: string;
  /** Resident memory in MB; of several processes the largest. */
  memory(): number;
  /** Seconds of processor time so far; of several processes the sum. */
  cpu(): number;
  /** How much of what follows the commits is left to do: runs of Actions, or events that wait. */
  openWork(): Promise<number>;
  /** Ends it in order, and takes away what it kept in the servers. */
  stop(): Promise<void>;
}

/** The service itself. */
export interface Service extends RunningSubject {
  /** gRPC of each process. */
  readonly grpcPorts: readonly number[];
  /** Connect, health and metrics of each process. */
  readonly httpPorts: readonly number[];
  metrics(): Promise<Metrics>;
}
