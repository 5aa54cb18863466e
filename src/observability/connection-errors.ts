/** A server behind us, and the variables that say how it is reached. */
export interface BackendConnection {
  /** "Redis" and the like. */
  readonly backend: string;
  readonly urlVariable: string;
  readonly caVariable: string;
  /** Whether that variable is set. */
  readonly hasCa: boolean;
}

const REFUSALS: readonly {
  readonly sign: RegExp;
  /** Undefined: it may be another reason. */
  readonly words: (reached: BackendConnection, what: string) => string | undefined;
}[] = [
  {
    sign: /ERR_TLS_CERT_ALTNAME_INVALID|does not match certificate's altnames/,
    words: ({ backend, urlVariable }, what) =>
      `${backend} has a certificate for another name (${what}): ${urlVariable} must name the server as its certificate does.`,
  },
  {
    sign: /CERT_HAS_EXPIRED|certificate has expired|CERT_NOT_YET_VALID|certificate is not yet valid/,
    words: ({ backend }, what) => `${backend} needs a new certificate, or a clock is wrong (${what}).`,
  },
  {
    sign: /self.signed certificate|SELF_SIGNED_CERT|UNABLE_TO_(VERIFY|GET)|unable to (verify|get)|CERT_UNTRUSTED|CERT_SIGNATURE_FAILURE/i,
    words: ({ backend, caVariable, hasCa }, what) =>
      `${backend} has a certificate that is not trusted (${what}): ${caVariable} ${hasCa ? "is not the CA that signed it, or not the whole of it" : "must name the CA that signed it"}.`,
  },
  {
    sign: /HANDSHAKE_NO_SSL_SUPPORT|does not support secure|ERR_SSL_WRONG_VERSION_NUMBER|wrong version number|ERR_SSL_PACKET_LENGTH_TOO_LONG|packet length too long|SERVER_OPT_NA tls/i,
    words: ({ backend, urlVariable, caVariable }) =>
      `${backend} does not speak TLS there, which ${caVariable} or the address in ${urlVariable} asks for: switch it on at the server, or ask for none.`,
  },
  {
    sign: /ER_SECURE_TRANSPORT_REQUIRED|secure[ _]transport/i,
    words: ({ backend, caVariable }) => `${backend} takes TLS only: ${caVariable} must name the CA of its certificate.`,
  },
  {
    sign: /ER_ACCESS_DENIED_(?:NO_PASSWORD_)?ERROR/,
    // MariaDB says the same of a user who comes without the TLS that it asks for.
    words: ({ backend, urlVariable, caVariable, hasCa }, what) =>
      `${backend} does not let this user in (${what}): look at user and password in ${urlVariable}${hasCa ? "" : `, and whether it takes TLS only: ${caVariable} must name its CA then`}.`,
  },
  {
    sign: /connect ETIMEDOUT/,
    words: ({ backend, urlVariable, hasCa }, what) =>
      hasCa
        ? `${backend} did not answer in time (${what}): does it run, and speak TLS, at the address in ${urlVariable}?`
        : undefined,
  },
  {
    sign: /WRONGPASS|NOAUTH|invalid password|AUTHORIZATION_VIOLATION|AUTHENTICATION_EXPIRED|authorization violation|BAD_CREDS|BAD_AUTHENTICATION/i,
    words: ({ backend, urlVariable }, what) =>
      `${backend} does not let this user in (${what}): look at user and password in ${urlVariable}.`,
  },
];

/**
 * Why a server that was reached will not be talked to, and what to do about it.
 *
 * @returns undefined where it was not reached, or for a reason of another kind
 */
export function describeConnectionError(error: unknown, reached: BackendConnection): string | undefined {
  const errors = chainOf(error);
  for (const { sign, words } of REFUSALS) {
    const sure = errors.find(({ code, message }) => sign.test(`${code} ${message}`));
    if (sure !== undefined) {
      return words(reached, sure.message);
    }
  }
  return undefined;
}

interface Link {
  readonly code?: unknown;
  readonly message: string;
  readonly cause?: unknown;
  /** Where the broker's client keeps the cause. */
  readonly chainedError?: unknown;
}

/** An error and what it came of, the innermost first: it knows best. */
function chainOf(error: unknown): Link[] {
  const links: Link[] = [];
  for (let link = error; link instanceof Error; ) {
    const known: Link = link;
    links.unshift(known);
    link = known.cause ?? known.chainedError;
  }
  return links;
}
