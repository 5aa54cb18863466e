import type { Metrics } from "../../tools/testkit/metrics.ts";

/** A running subject: the service or a baseline. */
export interface RunningSubject {
  /** gRPC port, or the only port of a subject over HTTP/1.1. */
  readonly port: number;
  /** Port for Connect, health and metrics, if any. */
  readonly httpPort?: number;
  readonly pid: number;
  /** Prefix of its schema names. */
  readonly prefix: string;
  /** Resident memory in MB; the maximum over several processes. */
  memory(): number;
  /** Processor time so far, in seconds; the sum over several processes. */
  cpu(): number;
  /** Number of open runs of Actions, or of events that are not published. */
  openWork(): Promise<number>;
  /** Stops it and removes its data from the backends. */
  stop(): Promise<void>;
}

export interface Service extends RunningSubject {
  /** gRPC port of each process. */
  readonly grpcPorts: readonly number[];
  /** HTTP port of each process. */
  readonly httpPorts: readonly number[];
  metrics(): Promise<Metrics>;
}
