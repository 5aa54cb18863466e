/** Types that cluster, workload and checks share. */

/** A service process as its callers see it. The ports survive a restart. */
export interface ServiceAddress {
  /** `host:port` */
  readonly grpc: string;
  /** `http://host:port` */
  readonly http: string;
}

/** Backends and stub systems, without the proxies. The addresses survive a restart. */
export interface BackendAddresses {
  readonly mysqlUrl: string;
  readonly natsUrl: string;
  readonly redisUrl: string;
  /** Base URL of the stub systems: `GET /received`, `GET /stock`, `POST /control`. */
  readonly stubSystemsUrl: string;
  /** Prefix of the database names. */
  readonly prefix: string;
}

/** One attempt of a call, completed. */
export interface CompletedCall {
  /** `performance.now()` of the suite's process. */
  readonly at: number;
  readonly ok: boolean;
  readonly tookMs: number;
  /** Index of the called service. */
  readonly service: number;
}
