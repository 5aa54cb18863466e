import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { type Config, ConfigError } from "../config/load.ts";

/** Whom to trust, and as whom to come in, at the servers behind this one. */
export interface BackendTls {
  /** CAs, PEM. */
  readonly mysqlCa?: string | undefined;
  readonly redisCa?: string | undefined;
  readonly natsCa?: string | undefined;
  readonly natsCredsFile?: string | undefined;
}

/** @throws ConfigError which names the variable of a file that cannot be used */
export function readBackendTls({ mysql, redis, nats }: Config): BackendTls {
  const natsCredsFile = nats.credsFile;
  if (natsCredsFile !== undefined) {
    readFor("OMS_NATS_CREDS_FILE", natsCredsFile);
  }
  return {
    mysqlCa: readCa("OMS_MYSQL_CA_FILE", mysql.caFile),
    redisCa: readCa("OMS_REDIS_CA_FILE", redis.caFile),
    natsCa: readCa("OMS_NATS_CA_FILE", nats.caFile),
    natsCredsFile,
  };
}

function readCa(variable: string, file: string | undefined): string | undefined {
  if (file === undefined) {
    return undefined;
  }
  const pem = readFor(variable, file);
  try {
    new X509Certificate(pem);
  } catch {
    throw new ConfigError(`${variable} is "${file}"; right would be a file that holds a CA's certificate in PEM.`);
  }
  return pem;
}

function readFor(variable: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new ConfigError(`${variable} is "${file}", which cannot be read: ${(error as Error).message}.`);
  }
}
