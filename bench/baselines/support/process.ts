import { type OrderDatabase, openDatabase } from "../../../src/store/mysql/database.ts";

/** Addresses of backends and stub systems, and the prefix of the baseline's own data. */
export interface BaselineConfig {
  readonly mysqlUrl: string;
  readonly natsUrl: string;
  readonly redisUrl: string;
  readonly einvoiceUrl: string;
  readonly financeUrl: string;
  readonly messageUrl: string;
  /** Prefix of its database names and Redis keys. */
  readonly prefix: string;
}

/** Reads the configuration from the environment. */
export function readBaselineConfig(): BaselineConfig {
  return {
    mysqlUrl: requiredVariable("MYSQL_URL"),
    natsUrl: requiredVariable("NATS_URL"),
    redisUrl: requiredVariable("REDIS_URL"),
    einvoiceUrl: requiredVariable("EINVOICE_URL"),
    financeUrl: requiredVariable("FINANCE_URL"),
    messageUrl: requiredVariable("MESSAGE_URL"),
    prefix: requiredVariable("PREFIX"),
  };
}

/** Opens the database; used for setup and occasional queries only. */
export function openBaselineDatabase({ mysqlUrl, prefix }: Pick<BaselineConfig, "mysqlUrl" | "prefix">): OrderDatabase {
  return openDatabase({ url: mysqlUrl, prefix });
}

export function requiredVariable(name: string): string {
  const value = process.env[name];
  if (value === undefined) {
    throw new Error(`${name} is not set`);
  }
  return value;
}

/** An optional numeric variable. */
export function optionalNumber(name: string, byDefault: number): number {
  return Number(process.env[name] ?? byDefault);
}

/** Ports of a baseline, printed on its first line. */
export interface Ports {
  readonly port: number;
  readonly httpPort?: number;
}

/** Prints the ports, and stops the baseline on SIGTERM. */
export function announce(ports: Ports, stop: () => Promise<void>): void {
  process.once("SIGTERM", () => {
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
  console.log(JSON.stringify(ports));
}
