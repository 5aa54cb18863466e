/** What the parts of the fault suite driver each other: the cluster is broken by `faults`, used by `workload`, and checked at by `checks`. */

/** A service process as its callers see it. The ports stay the same when the process is killed and started again. */
export interface ServiceAddress {
  /** `host:port` */
  readonly grpc: string;
  /** `http://host:port` */
  readonly http: string;
}

/** The servers themselves, not through the proxies; the addresses stay the same when a server is killed and started again. */
export interface BackendAddresses {
  readonly mysqlUrl: string;
  readonly natsUrl: string;
  readonly redisUrl: string;
  /** Base of the embedded neighbours: `GET /received`, `GET /stock`, `POST /control`. */
  readonly stubSystemsUrl: string;
  /** Before the databases' names. */
  readonly prefix: string;
}

/** A call as the workload saw it end; the throughput of the timeline, and what recovery is measured with. */
export interface CompletedCall {
  /** `performance.now()` of the suite's process. */
  readonly at: number;
  readonly ok: boolean;
  readonly tookMs: number;
  /** Index of the service that was asked. */
  readonly service: number;
}

/** One line of the report. `0` is good. */
export interface Finding {
  readonly kind: "lost" | "duplicated" | "ghost" | "out of order" | "other";
  /** For a person: which order, which event, which Action, what was expected, what was found. */
  readonly text: string;
}

/** What a checker checked at and found. */
export interface CheckResult {
  readonly name: string;
  /** How many facts it checked at. */
  readonly checked: number;
  readonly findings: readonly Finding[];
}
