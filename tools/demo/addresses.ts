import type { Config } from "../../src/config/load.ts";
import { findStack } from "../devstack/index.ts";

/** Addresses used by the demo. */
export interface Addresses {
  /** HOST:PORT of the service's gRPC listener. */
  readonly grpc: string;
  readonly mysqlUrl: string;
  readonly natsUrl: string;
  /** Base URL of the stub systems. */
  readonly stubSystemsUrl: string;
  readonly databasePrefix: string;
}

/** The demo cannot start; the message has the remedy. */
export class DemoError extends Error {
  override readonly name = "DemoError";
}

/**
 * The addresses the service uses: from the environment, or those of its embedded servers.
 *
 * @throws DemoError
 */
export function findAddresses(config: Config): Addresses {
  const embedded = findStack(config.service.dataDir);
  const need = (what: string, variable: string, url: string | undefined): string => {
    if (url === undefined) {
      throw new DemoError(
        `The address of ${what} is unknown. Start the service with npm start in another shell, or set ${variable} as for the service.`,
      );
    }
    return url;
  };
  return {
    grpc: `${config.listen.host === "0.0.0.0" ? "127.0.0.1" : config.listen.host}:${config.listen.grpcPort}`,
    mysqlUrl: need("MySQL", "OMS_MYSQL_URL", config.mysql.url ?? embedded.mysqlUrl),
    natsUrl: need("NATS", "OMS_NATS_URL", config.nats.url ?? embedded.natsUrl),
    stubSystemsUrl: need(
      "the stub systems",
      "OMS_EINVOICE_URL",
      config.systemUrls.einvoice?.replace(/\/einvoice$/, "") ?? embedded.stubSystemsUrl,
    ),
    databasePrefix: config.mysql.databasePrefix,
  };
}
