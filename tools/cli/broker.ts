import { readFileSync } from "node:fs";
import { connect, type NatsConnection } from "nats";
import { openPasswordFile } from "../../src/lib/password-file.ts";
import { type Broker, brokerOptions, describeBrokerError } from "../../src/messaging/nats/broker.ts";
import { redactUrls } from "../../src/observability/redaction.ts";
import { findEmbeddedServers } from "./embedded.ts";
import { UnreachableError } from "./failures.ts";
import { clean } from "./format.ts";

/** The URL of the service's NATS: OMS_NATS_URL, or the embedded server. */
function findBroker(env: NodeJS.ProcessEnv): string {
  const url = env.OMS_NATS_URL || findEmbeddedServers(env).natsUrl;
  if (url === undefined) {
    throw new UnreachableError(
      "The URL of NATS is unknown. Start the service with npm start, or set the URL with --nats URL or OMS_NATS_URL, as for the service.",
    );
  }
  return url;
}

/**
 * Connects to NATS; a lost connection is restored automatically.
 *
 * @throws UnreachableError
 */
export async function connectToBroker(nats: string | undefined): Promise<NatsConnection> {
  const url = nats ?? findBroker(process.env);
  const broker = brokerAt(url, process.env);
  try {
    return await connect({ ...brokerOptions(broker), maxReconnectAttempts: -1, name: "oms-cli" });
  } catch (error) {
    throw new UnreachableError(
      `NATS is unreachable at ${redactUrls(url)} (${clean(describeBrokerError(error, broker))}). Start the service with npm start, or set the URL with --nats URL or OMS_NATS_URL.`,
    );
  }
}

function brokerAt(
  url: string,
  { OMS_NATS_CA_FILE: caFile, OMS_NATS_CREDS_FILE: credsFile, OMS_NATS_PASSWORD_FILE: passwordFile }: NodeJS.ProcessEnv,
): Broker {
  return {
    url,
    ca: caFile ? readable("OMS_NATS_CA_FILE", () => readFileSync(caFile, "utf8")) : undefined,
    credsFile: credsFile || undefined,
    password: passwordFile ? readable("OMS_NATS_PASSWORD_FILE", () => openPasswordFile(passwordFile)) : undefined,
  };
}

/** @throws UnreachableError that names the variable of the file */
function readable<T>(variable: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new UnreachableError(`${variable} cannot be read: ${(error as Error).message}.`);
  }
}
