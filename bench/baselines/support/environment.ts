import { type OrderDatabase, openDatabase } from "../../../src/store/mysql/database.ts";

/** Where a baseline works: the servers of the run, shared with the other subjects, and a part of the database of its own. */
export interface BaselineConfig {
  readonly mysqlUrl: string;
  readonly natsUrl: string;
  readonly redisUrl: string;
  readonly einvoiceUrl: string;
  readonly financeUrl: string;
  readonly messageUrl: string;
  /** Put before the names of its databases, and of what it keeps in Redis. */
  readonly prefix: string;
}

/** As the environment says. */
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

/** The tables of a place; for what is read and written now and then. */
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

/** A number that may be left out. */
export function optionalNumber(name: string, byDefault: number): number {
  return Number(process.env[name] ?? byDefault);
}
