import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
} from "jose";
import type { Logger } from "../../observability/log.ts";
import { redactUrl, redactUrls } from "../../observability/redaction.ts";
import { watchFile } from "./watched-file.ts";

/** How long fetched keys are used before they are fetched again, in milliseconds. */
const MAX_AGE_MS = 30_000;

/**
 * Age from which fetched keys are renewed in the background, in milliseconds, so that no call waits
 * for the issuer.
 */
const RENEWAL_AGE_MS = 15_000;

/** How long the last keys stay in use while fetching fails, in milliseconds. */
const OUTAGE_GRACE_MS = 10 * 60_000;

/** Minimum interval between fetches, in milliseconds: after a failure, and for an unknown key. */
const FETCH_INTERVAL_MS = 5_000;

/** The keys that tokens are signed with. */
export interface SigningKeys {
  /** @throws SigningKeysUnavailableError, or an error of jose for a token without a key */
  readonly get: JWTVerifyGetKey;
  /**
   * Until when a verification by these keys counts, in milliseconds since 1970; then a key may have
   * been withdrawn.
   */
  validUntil(): number;
  /** Changes with the keys. */
  version(): unknown;
  close(): void;
}

/** There are no usable keys. */
export class SigningKeysUnavailableError extends Error {
  override readonly name = "SigningKeysUnavailableError";
}

/**
 * Opens a JWKS.
 *
 * @param source an http(s) URL, or a file
 * @throws UnusableFileError for an unusable file
 */
export function openSigningKeys(source: string, log: Logger): SigningKeys {
  return /^https?:/.test(source) ? fetchedKeys(source, log) : keysInFile(source, log);
}

function keysInFile(path: string, log: Logger): SigningKeys {
  const file = watchFile(path, (text) => createLocalJWKSet(JSON.parse(text) as JSONWebKeySet), log);
  return {
    get: (header, token) => file.value(header, token),
    validUntil: () => Number.POSITIVE_INFINITY,
    version: () => file.value,
    close: file.close,
  };
}

function fetchedKeys(source: string, log: Logger): SigningKeys {
  const { url, authorization } = withoutCredentials(source);
  // A redirect could lead to another host.
  const fetchKeys: typeof fetch = (input, init) => fetch(input, { ...init, redirect: "error" });
  const remote = createRemoteJWKSet(url, {
    [customFetch]: fetchKeys,
    headers: authorization === undefined ? {} : { authorization },
    // The times are kept here: jose would reject all tokens as soon as one fetch fails.
    cacheMaxAge: Number.POSITIVE_INFINITY,
    cooldownDuration: Number.POSITIVE_INFINITY,
  });
  let fetchedAt = Number.NEGATIVE_INFINITY;
  let triedAt = Number.NEGATIVE_INFINITY;
  let failing = false;
  let version = "";
  let fetching: Promise<void> | undefined;

  const age = () => Date.now() - fetchedAt;
  const isUsable = () => age() < (failing ? OUTAGE_GRACE_MS : MAX_AGE_MS);
  const mayFetch = () => Date.now() - triedAt >= FETCH_INTERVAL_MS;

  /** Never rejects. */
  function fetchAgain(): Promise<void> {
    fetching ??= remote
      .reload()
      .then(
        () => {
          fetchedAt = Date.now();
          failing = false;
          version = JSON.stringify(remote.jwks());
        },
        (error: unknown) => {
          failing = true;
          const usableForMs = Math.max(OUTAGE_GRACE_MS - age(), 0);
          log.error(
            { keys: redactUrl(source), reason: reasonOf(error), usableForMs },
            usableForMs > 0
              ? "token signing keys cannot be fetched; using the last ones"
              : "token signing keys unavailable",
          );
        },
      )
      .finally(() => {
        triedAt = Date.now();
        fetching = undefined;
      });
    return fetching;
  }

  async function refresh(): Promise<void> {
    if (!isUsable() && (fetching !== undefined || mayFetch())) {
      await fetchAgain();
    } else if (age() >= RENEWAL_AGE_MS && mayFetch()) {
      void fetchAgain();
    }
    if (!isUsable()) {
      throw new SigningKeysUnavailableError();
    }
  }

  return {
    async get(header, token) {
      await refresh();
      try {
        return await remote(header, token);
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey) || !(fetching !== undefined || mayFetch())) {
          throw error;
        }
        // A key of the issuer's that is newer than the fetched ones.
        await fetchAgain();
        return remote(header, token);
      }
    },
    validUntil: () => (failing ? triedAt + FETCH_INTERVAL_MS : fetchedAt + MAX_AGE_MS),
    version: () => version,
    close() {},
  };
}

/** fetch rejects a URL with user and password: they are sent as basic authorization. */
function withoutCredentials(source: string): { readonly url: URL; readonly authorization: string | undefined } {
  const url = new URL(source);
  const { username, password } = url;
  url.username = "";
  url.password = "";
  const text = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { url, authorization: text === ":" ? undefined : `Basic ${Buffer.from(text).toString("base64")}` };
}

/** What fetch reports is only in the cause of its error. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return redactUrls(cause instanceof Error ? `${message}: ${cause.message}` : message);
}
