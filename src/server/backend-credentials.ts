import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { type Config, ConfigError } from "../config/load.ts";
import { openPasswordFile, type PasswordReader } from "../lib/password-file.ts";

/**
 * TLS and credentials towards the backends: CAs as PEM text, undefined where none is configured.
 */
export interface BackendTls {
  readonly mysqlCa?: string | undefined;
  readonly redisCa?: string | undefined;
  readonly natsCa?: string | undefined;
  /** Read again at each connect. */
  readonly natsCredsFile?: string | undefined;
  /** Passwords from files; undefined where the URL has it. */
  readonly mysqlPassword?: PasswordReader | undefined;
  readonly retentionMysqlPassword?: PasswordReader | undefined;
  readonly redisPassword?: PasswordReader | undefined;
  readonly natsPassword?: PasswordReader | undefined;
}

/** @throws ConfigError that names the variable of an unusable file */
export function readBackendTls({
  mysql,
  redis,
  nats,
  retention,
}: Pick<Config, "mysql" | "redis" | "nats" | "retention">): BackendTls {
  if (nats.credsFile !== undefined) {
    readFile("OMS_NATS_CREDS_FILE", nats.credsFile);
  }
  return {
    mysqlCa: readCa("OMS_MYSQL_CA_FILE", mysql.caFile),
    redisCa: readCa("OMS_REDIS_CA_FILE", redis.caFile),
    natsCa: readCa("OMS_NATS_CA_FILE", nats.caFile),
    natsCredsFile: nats.credsFile,
    mysqlPassword: passwordOf("OMS_MYSQL_PASSWORD_FILE", mysql.passwordFile),
    retentionMysqlPassword: passwordOf("OMS_RETENTION_MYSQL_PASSWORD_FILE", retention.mysqlPasswordFile),
    redisPassword: passwordOf("OMS_REDIS_PASSWORD_FILE", redis.passwordFile),
    natsPassword: passwordOf("OMS_NATS_PASSWORD_FILE", nats.passwordFile),
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

function passwordOf(variable: string, file: string | undefined): PasswordReader | undefined {
  try {
    return file === undefined ? undefined : openPasswordFile(file);
  } catch (error) {
    throw new ConfigError(`${variable}="${file}" cannot be read: ${(error as Error).message}.`);
  }
}

function readFile(variable: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new ConfigError(`${variable}="${file}" cannot be read: ${(error as Error).message}.`);
  }
}
