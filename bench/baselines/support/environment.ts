import { type OrderDatabase, openDatabase } from "../../../src/store/mysql/database.ts";

/** Where a baseline works: the servers of the run, shared with the other sides, and a part of the database of its own. */
export interface Place {
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
export function readPlace(): Place {
  return {
    mysqlUrl: variable("MYSQL_URL"),
    natsUrl: variable("NATS_URL"),
    redisUrl: variable("REDIS_URL"),
    einvoiceUrl: variable("EINVOICE_URL"),
    financeUrl: variable("FINANCE_URL"),
    messageUrl: variable("MESSAGE_URL"),
    prefix: variable("PREFIX"),
  };
}

/** The tables of a place; for what is read and written now and then. */
export function databaseOf({ mysqlUrl, prefix }: Pick<Place, "mysqlUrl" | "prefix">): OrderDatabase {
  return openDatabase({ url: mysqlUrl, prefix });
}

export function variable(name: string): string {
  const value = process.env[name];
  if (value === undefined) {
    throw new Error(`${name} is not set`);
  }
  return value;
}

/** A number that may be left out. */
export function numberVariable(name: string, byDefault: number): number {
  return Number(process.env[name] ?? byDefault);
}
