import { readFileSync } from "node:fs";
import { type ConnectionOptions, credsAuthenticator, type TlsOptions } from "nats";
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
}

/** The options with which the NATS client connects. */
export function brokerOptions({ url, ca, credsFile }: Broker): ConnectionOptions {
  const { protocol, host, hostname, username, password } = new URL(url);
  const user = decodeURIComponent(username);
  // Without a host name, the certificate would be verified against "localhost".
  const tls: TlsOptions & { readonly host: string } = {
    host: hostname.replace(/^\[|\]$/g, ""),
    ...(ca !== undefined && { ca }),
  };
  return {
    servers: host,
    ...((ca !== undefined || protocol === "tls:") && { tls }),
    ...(password !== "" ? { user, pass: decodeURIComponent(password) } : user !== "" && { token: user }),
    ...(credsFile !== undefined && { authenticator: credsAuthenticator(() => readFileSync(credsFile)) }),
  };
}

/** Why a connection to the broker failed, with the variable to check. */
export function describeBrokerError(error: unknown, { ca, credsFile }: Broker): string {
  const reason = describeConnectionError(error, {
    backend: "NATS",
    urlVariable: credsFile === undefined ? "OMS_NATS_URL" : "OMS_NATS_CREDS_FILE",
    caVariable: "OMS_NATS_CA_FILE",
    hasCa: ca !== undefined,
  });
  return reason ?? (error as Error).message;
}
