import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { connect, type NatsConnection } from "nats";
import { type Broker, brokerOptions, describeBrokerError } from "../../src/messaging/nats/broker.ts";
import { redactUrls } from "../../src/observability/redaction.ts";
import { findStack } from "../devstack/index.ts";
import { UnreachableError } from "./failures.ts";
import { clean } from "./format.ts";

/** OMS_DATA_DIR is relative to the repository, from which the service is started. */
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** The URL of the service's NATS: OMS_NATS_URL, or the embedded server. */
function findBroker(env: NodeJS.ProcessEnv): string {
  const url = env.OMS_NATS_URL || findStack(resolve(ROOT, env.OMS_DATA_DIR || ".data")).natsUrl;
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
  { OMS_NATS_CA_FILE: caFile, OMS_NATS_CREDS_FILE: credsFile }: NodeJS.ProcessEnv,
): Broker {
  try {
    return { url, ca: caFile ? readFileSync(caFile, "utf8") : undefined, credsFile: credsFile || undefined };
  } catch (error) {
    throw new UnreachableError(`OMS_NATS_CA_FILE cannot be read: ${(error as Error).message}.`);
  }
}
