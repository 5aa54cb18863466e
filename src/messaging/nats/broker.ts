import { readFileSync } from "node:fs";
import { type ConnectionOptions, credsAuthenticator, type TlsOptions, usernamePasswordAuthenticator } from "nats";
import type { PasswordReader } from "../../lib/password-file.ts";
import { describeConnectionError } from "../../observability/connection-errors.ts";

/** Address and credentials of the broker. */
export interface Broker {
  /**
   * `nats://user:password@host:port`, `nats://token@host:port`, or without either; `tls:` requires
   * TLS.
   */
  readonly url: string;
  /** CA of its certificate (PEM). TLS is then required. */
  readonly ca?: string | undefined;
  /** File with a user's JWT and key, read at each connect. */
  readonly credsFile?: string | undefined;
  /** Password of the user in the URL; called at each connect. */
  readonly password?: PasswordReader | undefined;
}

/** The options with which the NATS client connects. */
export function brokerOptions({ url, ca, ...credentials }: Broker): ConnectionOptions {
  const { protocol, host, hostname, username, password } = new URL(url);
  // Without a host name, the certificate would be verified against "localhost".
  const tls: TlsOptions & { readonly host: string } = {
    host: hostname.replace(/^\[|\]$/g, ""),
    ...(ca !== undefined && { ca }),
  };
  return {
    servers: host,
    ...((ca !== undefined || protocol === "tls:") && { tls }),
    ...credentialOptions(decodeURIComponent(username), decodeURIComponent(password), credentials),
  };
}

/** An authenticator is called at each connect. */
function credentialOptions(
  user: string,
  pass: string,
  { credsFile, password }: Pick<Broker, "credsFile" | "password">,
): ConnectionOptions {
  if (credsFile !== undefined) {
    return { authenticator: credsAuthenticator(() => readFileSync(credsFile)) };
  }
  if (password !== undefined) {
    return { authenticator: usernamePasswordAuthenticator(user, password) };
  }
  if (pass !== "") {
    return { user, pass };
  }
  return user === "" ? {} : { token: user };
}

/** Why a connection to the broker failed, with the variable to check. */
export function describeBrokerError(error: unknown, { ca, credsFile, password }: Broker): string {
  const reason = describeConnectionError(error, {
    backend: "NATS",
    urlVariable: credsFile === undefined ? "OMS_NATS_URL" : "OMS_NATS_CREDS_FILE",
    passwordVariable: password && "OMS_NATS_PASSWORD_FILE",
    caVariable: "OMS_NATS_CA_FILE",
    hasCa: ca !== undefined,
  });
  return reason ?? (error as Error).message;
}
