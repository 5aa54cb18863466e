import { Redis } from "ioredis";
import { describeConnectionError } from "../observability/connection-errors.ts";
import type { Logger } from "../observability/log.ts";

/** A command's answer takes at most this long, in milliseconds; so does making the connection. */
const COMMAND_TIMEOUT_MS = 1_000;

/** Longest pause between two attempts to connect, in milliseconds. */
const LONGEST_PAUSE_MS = 1_000;

/** Where Redis is. */
export interface RedisAddress {
  /** `redis://user:password@host:port`; `rediss:` asks for TLS. */
  readonly url: string;
  /** The CA of its certificate, PEM: TLS is required then. */
  readonly ca?: string | undefined;
}

/**
 * A connection to Redis that says at once when Redis is away. By default the client keeps a command
 * until Redis is back, and carries it out long after whoever asked has given up: a ghost.
 */
export function openRedis({ url, ca, log }: RedisAddress & { readonly log: Logger }): Redis {
  const redis = new Redis(url, {
    ...(ca !== undefined && { tls: { ca } }),
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: COMMAND_TIMEOUT_MS,
    connectTimeout: COMMAND_TIMEOUT_MS,
    // Commands of one turn of the event loop go out in one write.
    enableAutoPipelining: true,
    retryStrategy: (attempt) => Math.min(attempt * 50, LONGEST_PAUSE_MS),
  });
  const reached = {
    backend: "Redis",
    urlVariable: "OMS_REDIS_URL",
    caVariable: "OMS_REDIS_CA_FILE",
    hasCa: ca !== undefined,
  };
  let told = false;
  redis.on("error", (error) => {
    if (!told) {
      // Not the error itself: it holds the command that failed, and that may be the one with the
      // password.
      log.warn(
        { reason: describeConnectionError(error, reached) ?? error.message },
        "Redis is out of reach; what needs it waits",
      );
      told = true;
    }
  });
  redis.on("ready", () => {
    log.info("Redis is there");
    told = false;
  });
  return redis;
}
