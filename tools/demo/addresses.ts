import type { Config } from "../../src/config/load.ts";
import { findStack } from "../devstack/index.ts";

/** Where everything is that the demo talks to. */
export interface Addresses {
  /** host:port of the service's gRPC front. */
  readonly grpc: string;
  readonly mysqlUrl: string;
  readonly natsUrl: string;
  /** The embedded neighbours, which tell what they got. */
  readonly stubSystemsUrl: string;
  readonly databasePrefix: string;
}

/** The demo cannot begin; the message says what to do. */
export class DemoError extends Error {
  override readonly name = "DemoError";
}

/** The same addresses that the service uses: from the environment, or from where its embedded servers are noted. */
export function findAddresses(config: Config): Addresses {
  const embedded = findStack(config.service.dataDir);
  const need = (what: string, variable: string, url: string | undefined): string => {
    if (url === undefined) {
      throw new DemoError(
        `${what} is not known: start the service with \`npm start\` in another shell, or set ${variable} as it is set for the service`,
      );
    }
    return url;
  };
  return {
    grpc: `${config.listen.host === "0.0.0.0" ? "127.0.0.1" : config.listen.host}:${config.listen.grpcPort}`,
    mysqlUrl: need("the database", "OMS_MYSQL_URL", config.mysql.url ?? embedded.mysqlUrl),
    natsUrl: need("the event broker", "OMS_NATS_URL", config.nats.url ?? embedded.natsUrl),
    stubSystemsUrl: need(
      "the address of the stub systems",
      "OMS_EINVOICE_URL",
      config.systemUrls.einvoice?.replace(/\/einvoice$/, "") ?? embedded.stubSystemsUrl,
    ),
    databasePrefix: config.mysql.databasePrefix,
  };
}
