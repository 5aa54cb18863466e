import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { connect, type NatsConnection } from "nats";
import { type Broker, brokerOptions, describeBrokerError } from "../../src/messaging/nats/broker.ts";
import { redactUrls } from "../../src/observability/redaction.ts";
import { findStack } from "../devstack/index.ts";
import { UnreachableError } from "./failures.ts";
import { clean } from "./format.ts";

/** Where the service is started from: its data directory is told from there. */
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** The broker that the service uses: as its variables say, or the embedded one. */
function findBroker(env: NodeJS.ProcessEnv): string {
  const url = env.OMS_NATS_URL || findStack(resolve(ROOT, env.OMS_DATA_DIR || ".data")).natsUrl;
  if (url === undefined) {
    throw new UnreachableError(
      "The event broker is not known. Start the service with npm start, or say where the broker is: --nats URL, or OMS_NATS_URL as it is set for the service.",
    );
  }
  return url;
}

/** Connects to the event broker; it comes back by itself when it is lost later. @throws OutOfReachError */
export async function connectToBroker(wanted: string | undefined): Promise<NatsConnection> {
  const url = wanted ?? findBroker(process.env);
  const broker = brokerAt(url, process.env);
  try {
    return await connect({ ...brokerOptions(broker), maxReconnectAttempts: -1, name: "oms-cli" });
  } catch (error) {
    throw new UnreachableError(
      `No event broker answers at ${redactUrls(url)} (${clean(describeBrokerError(error, broker))}). Does the service run (npm start)? Or say where the broker is: --nats URL, or OMS_NATS_URL.`,
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
