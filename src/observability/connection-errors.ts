/** A backend, and the variables that configure the connection to it. */
export interface BackendConnection {
  /** Its name: "Redis". */
  readonly backend: string;
  readonly urlVariable: string;
  /** The variable of the password's file, if one is set. */
  readonly passwordVariable?: string | undefined;
  readonly caVariable: string;
  /** Whether the CA variable is set. */
  readonly hasCa: boolean;
}

function rejected(
  { backend, urlVariable, passwordVariable }: Pick<BackendConnection, "backend" | "urlVariable" | "passwordVariable">,
  message: string,
): string {
  const where = passwordVariable === undefined ? urlVariable : `${urlVariable} and ${passwordVariable}`;
  return `${backend} rejected the credentials (${message}): check user and password in ${where}`;
}

const ERRORS: readonly {
  /** Matches code and message of the error. */
  readonly pattern: RegExp;
  /** Undefined: the error has another cause. */
  readonly describe: (connection: BackendConnection, message: string) => string | undefined;
}[] = [
  {
    pattern: /ERR_TLS_CERT_ALTNAME_INVALID|does not match certificate's altnames/,
    describe: ({ backend, urlVariable }, message) =>
      `The certificate of ${backend} does not match its host name (${message}): set the name in the certificate in ${urlVariable}.`,
  },
  {
    pattern: /CERT_HAS_EXPIRED|certificate has expired|CERT_NOT_YET_VALID|certificate is not yet valid/,
    describe: ({ backend }, message) =>
      `The certificate of ${backend} is not valid now (${message}): renew it, or correct the clock.`,
  },
  {
    pattern:
      /self.signed certificate|SELF_SIGNED_CERT|UNABLE_TO_(VERIFY|GET)|unable to (verify|get)|CERT_UNTRUSTED|CERT_SIGNATURE_FAILURE/i,
    describe: ({ backend, caVariable, hasCa }, message) =>
      `The certificate of ${backend} is not trusted (${message}): ${hasCa ? `${caVariable} is not the CA that signed it, or not the whole chain` : `set ${caVariable} to the CA that signed it`}.`,
  },
  {
    pattern:
      /HANDSHAKE_NO_SSL_SUPPORT|does not support secure|ERR_SSL_WRONG_VERSION_NUMBER|wrong version number|ERR_SSL_PACKET_LENGTH_TOO_LONG|packet length too long|SERVER_OPT_NA tls/i,
    describe: ({ backend, urlVariable, caVariable }) =>
      `${backend} does not support TLS, which ${caVariable} or ${urlVariable} requests: enable it at the server, or unset ${caVariable}.`,
  },
  {
    pattern: /ER_SECURE_TRANSPORT_REQUIRED|secure[ _]transport/i,
    describe: ({ backend, caVariable }) => `${backend} requires TLS: set ${caVariable} to the CA of its certificate.`,
  },
  {
    pattern: /ER_ACCESS_DENIED_(?:NO_PASSWORD_)?ERROR/,
    // MariaDB reports the same for a user that requires TLS and connects without.
    describe: ({ caVariable, hasCa, ...connection }, message) =>
      `${rejected(connection, message)}${hasCa ? "" : `; if the user requires TLS, set ${caVariable}`}.`,
  },
  {
    pattern: /connect ETIMEDOUT/,
    describe: ({ backend, urlVariable, hasCa }, message) =>
      hasCa
        ? `${backend} did not answer in time (${message}): check that a server with TLS runs at the address in ${urlVariable}.`
        : undefined,
  },
  {
    pattern:
      /WRONGPASS|NOAUTH|invalid password|AUTHORIZATION_VIOLATION|AUTHENTICATION_EXPIRED|authorization violation|BAD_CREDS|BAD_AUTHENTICATION/i,
    describe: (connection, message) => `${rejected(connection, message)}.`,
  },
];

/**
 * Describes why a reachable backend rejected the connection, and what to do about it.
 *
 * @returns undefined if the backend was not reached, or for other errors
 */
export function describeConnectionError(error: unknown, connection: BackendConnection): string | undefined {
  const errors = causesOf(error);
  for (const { pattern, describe } of ERRORS) {
    const match = errors.find(({ code, message }) => pattern.test(`${code} ${message}`));
    if (match !== undefined) {
      return describe(connection, match.message);
    }
  }
  return undefined;
}

interface Cause {
  readonly code?: unknown;
  readonly message: string;
  readonly cause?: unknown;
  /** Where the NATS client keeps the cause. */
  readonly chainedError?: unknown;
}

/** An error and its causes, the innermost first: it is the most specific. */
function causesOf(error: unknown): Cause[] {
  const causes: Cause[] = [];
  for (let current = error; current instanceof Error; ) {
    const cause: Cause = current;
    causes.unshift(cause);
    current = cause.cause ?? cause.chainedError;
  }
  return causes;
}
