import { Redis } from "ioredis";
import type { Logger } from "../telemetry/log.ts";

/** A command's answer takes at most this long, in milliseconds; so does making the connection. */
const COMMAND_TIMEOUT_MS = 1_000;

/** Longest pause between two attempts to connect, in milliseconds. */
const LONGEST_PAUSE_MS = 1_000;

/**
 * A connection to Redis that says at once when Redis is away. By default the client keeps a command until Redis is back, and carries it
 * out long after whoever asked has given up: a ghost.
 */
export function openRedis({ url, log }: { readonly url: string; readonly log: Logger }): Redis {
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: COMMAND_TIMEOUT_MS,
    connectTimeout: COMMAND_TIMEOUT_MS,
    // Commands of one turn of the event loop go out in one write.
    enableAutoPipelining: true,
    retryStrategy: (attempt) => Math.min(attempt * 50, LONGEST_PAUSE_MS),
  });
  let told = false;
  redis.on("error", (error) => {
    if (!told) {
      log.warn({ err: error }, "Redis is out of reach; what needs it waits");
      told = true;
    }
  });
  redis.on("ready", () => {
    log.info("Redis is there");
    told = false;
  });
  return redis;
}
