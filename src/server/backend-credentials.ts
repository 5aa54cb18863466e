import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { type Config, ConfigError } from "../config/load.ts";

/**
 * TLS and credentials towards the backends: CAs as PEM text, undefined where none is configured.
 */
export interface BackendTls {
  readonly mysqlCa?: string | undefined;
  readonly redisCa?: string | undefined;
  readonly natsCa?: string | undefined;
  /** Read again at each connect. */
  readonly natsCredsFile?: string | undefined;
}

/** @throws ConfigError that names the variable of an unusable file */
export function readBackendTls({ mysql, redis, nats }: Pick<Config, "mysql" | "redis" | "nats">): BackendTls {
  if (nats.credsFile !== undefined) {
    readFile("OMS_NATS_CREDS_FILE", nats.credsFile);
  }
  return {
    mysqlCa: readCa("OMS_MYSQL_CA_FILE", mysql.caFile),
    redisCa: readCa("OMS_REDIS_CA_FILE", redis.caFile),
    natsCa: readCa("OMS_NATS_CA_FILE", nats.caFile),
    natsCredsFile: nats.credsFile,
  };
}

function readCa(variable: string, file: string | undefined): string | undefined {
  if (file === undefined) {
    return undefined;
  }
  const pem = readFile(variable, file);
  try {
    new X509Certificate(pem);
  } catch {
    throw new ConfigError(`${variable}="${file}" is invalid: expected a file with a CA certificate in PEM.`);
  }
  return pem;
}

function readFile(variable: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new ConfigError(`${variable}="${file}" cannot be read: ${(error as Error).message}.`);
  }
}
