import { readFileSync } from "node:fs";
import { type ConnectionOptions, credsAuthenticator, type TlsOptions } from "nats";
import { describeConnectionError } from "../../observability/connection-errors.ts";

/** Where the broker is, and how to get in. */
export interface Broker {
  /** `nats://user:password@host:port`, `nats://token@host:port`, or without either; `tls:` asks for TLS. */
  readonly url: string;
  /** The CA of its certificate, PEM: TLS is required then. */
  readonly ca?: string | undefined;
  /** A file with a user's JWT and key, read at each connect. */
  readonly credsFile?: string | undefined;
}

/** What the broker's client takes to connect. */
export function brokerOptions({ url, ca, credsFile }: Broker): ConnectionOptions {
  const { protocol, host, hostname, username, password } = new URL(url);
  const user = decodeURIComponent(username);
  // Without a name to ask for, the certificate would be held against "localhost".
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

/** Why there is no connection to the broker, for a person. */
export function describeBrokerError(error: unknown, { ca, credsFile }: Broker): string {
  const reason = describeConnectionError(error, {
    backend: "NATS",
    urlVariable: credsFile === undefined ? "OMS_NATS_URL" : "OMS_NATS_CREDS_FILE",
    caVariable: "OMS_NATS_CA_FILE",
    hasCa: ca !== undefined,
  });
  return reason ?? (error as Error).message;
}
