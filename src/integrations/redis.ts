import { Redis } from "ioredis";
import { describeConnectionError } from "../observability/connection-errors.ts";
import type { Logger } from "../observability/log.ts";

/** Time limit of a command and of a connect, in milliseconds. */
const TIMEOUT_MS = 1_000;

/** Maximum delay between two attempts to connect, in milliseconds. */
const MAX_RECONNECT_DELAY_MS = 1_000;

export interface RedisAddress {
  /** `redis://user:password@host:port`; `rediss:` requires TLS. */
  readonly url: string;
  /** CA of its certificate (PEM). TLS is then required. */
  readonly ca?: string | undefined;
}

/**
 * A connection that fails at once while Redis is unavailable. By default the client queues a
 * command until Redis is back, and executes it long after its caller has timed out.
 */
export function openRedis({ url, ca, log }: RedisAddress & { readonly log: Logger }): Redis {
  const redis = new Redis(url, {
    ...(ca !== undefined && { tls: { ca } }),
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: TIMEOUT_MS,
    connectTimeout: TIMEOUT_MS,
    // Commands of one turn of the event loop are sent in one write.
    enableAutoPipelining: true,
    retryStrategy: (attempt) => Math.min(attempt * 50, MAX_RECONNECT_DELAY_MS),
  });
  const connection = {
    backend: "Redis",
    urlVariable: "OMS_REDIS_URL",
    caVariable: "OMS_REDIS_CA_FILE",
    hasCa: ca !== undefined,
  };
  let logged = false;
  redis.on("error", (error) => {
    if (!logged) {
      // Not the error itself: it contains the failed command, which may be the one with the
      // password.
      const reason = describeConnectionError(error, connection) ?? error.message;
      log.warn({ reason }, "Redis unavailable; customer messages are delayed");
      logged = true;
    }
  });
  redis.on("ready", () => {
    log.info("Redis connected");
    logged = false;
  });
  return redis;
}
