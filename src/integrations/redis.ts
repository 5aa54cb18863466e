import { Redis, type RedisOptions } from "ioredis";
import type { PasswordReader } from "../lib/password-file.ts";
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
  /** Password of the user in the URL, which then has none; called at each connect. */
  readonly password?: PasswordReader | undefined;
}

/**
 * A connection that fails at once while Redis is unavailable. By default the client queues a
 * command until Redis is back, and executes it long after its caller has timed out.
 */
export function openRedis({ url, ca, password, log }: RedisAddress & { readonly log: Logger }): Redis {
  const redis = new Redis(withoutUser(url), {
    ...credentials(url, password),
    ...(ca !== undefined && { tls: { ca } }),
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: TIMEOUT_MS,
    connectTimeout: TIMEOUT_MS,
    // Commands of one turn of the event loop are sent in one write.
    enableAutoPipelining: true,
    retryStrategy(attempt) {
      // The client has no hook for credentials; it takes them from its options at each connect.
      Object.assign(redis.options, credentials(url, password));
      return Math.min(attempt * 50, MAX_RECONNECT_DELAY_MS);
    },
  });
  const connection = {
    backend: "Redis",
    urlVariable: "OMS_REDIS_URL",
    passwordVariable: password && "OMS_REDIS_PASSWORD_FILE",
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

/** User and password as options: in the client's URL they would take precedence over options. */
function credentials(
  url: string,
  readPassword: PasswordReader | undefined,
): Pick<RedisOptions, "username" | "password"> {
  const { username, password } = new URL(url);
  const current = readPassword?.() ?? decodeURIComponent(password);
  return {
    ...(username !== "" && { username: decodeURIComponent(username) }),
    ...(current !== "" && { password: current }),
  };
}

function withoutUser(url: string): string {
  const parsed = new URL(url);
  parsed.username = "";
  parsed.password = "";
  return parsed.href;
}
