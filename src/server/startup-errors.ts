import { type Config, ConfigError } from "../config/load.ts";
import { describeConnectionError } from "../observability/connection-errors.ts";
import { redactUrls } from "../observability/redact-url.ts";
import { DatabaseUnavailableError, MigrationPermissionError } from "../store/mysql/errors.ts";
import { UnusableFileError } from "../transport/auth/watched-file.ts";

/** Why the service could not start, and what to do about it; without any password. */
export function describeStartupError(error: unknown, config: Config): string {
  return redactUrls(explain(error, config));
}

function explain(error: unknown, config: Config): string {
  if (!(error instanceof Error)) {
    return String(error);
  }
  if (error.name === "StackError" || error instanceof ConfigError || error instanceof UnusableFileError) {
    return error.message;
  }
  if (error instanceof MigrationPermissionError) {
    return [
      `The database is not up to date (to be done: ${error.steps.join(", ")}), and the user of OMS_MYSQL_URL may not change tables (${causeOf(error)}).`,
      "Run this version once with OMS_ROLE=migrate and a user that may (deploy/mysql/users.sql has one), and deploy/mysql/grants.sql after it, then start again.",
    ].join("\n");
  }
  const refusal = describeConnectionError(error, {
    backend: "The database",
    urlVariable: "OMS_MYSQL_URL",
    caVariable: "OMS_MYSQL_CA_FILE",
    hasCa: config.mysql.caFile !== undefined,
  });
  if (refusal !== undefined) {
    return refusal;
  }
  if (error instanceof DatabaseUnavailableError) {
    return `The database does not answer (${causeOf(error)}). Is OMS_MYSQL_URL right, and does the server run?`;
  }
  const code = "code" in error ? String(error.code) : "";
  const port = "port" in error ? Number(error.port) : portIn(error.message);
  if (code === "EADDRINUSE" || error.message.includes("EADDRINUSE")) {
    const variable = port === config.listen.httpPort ? "OMS_HTTP_PORT" : "OMS_GRPC_PORT";
    const wanted = port === config.listen.httpPort ? config.listen.httpPort : config.listen.grpcPort;
    return `Port ${wanted} is in use. Stop what listens there (ss -ltnp 'sport = :${wanted}' names it), or choose another port: ${variable}=${wanted + 1} npm start`;
  }
  if (code === "EACCES" || error.message.includes("EACCES")) {
    return `No right to listen on a port below 1024 (${error.message}): choose OMS_GRPC_PORT and OMS_HTTP_PORT above it.`;
  }
  if (/EADDRNOTAVAIL|ENOTFOUND|EAI_AGAIN|Name resolution failed/.test(`${code} ${error.message}`)) {
    return `OMS_HOST is "${config.listen.host}", which is no address of this machine: 127.0.0.1 for this machine alone, 0.0.0.0 for all.`;
  }
  if (code.startsWith("ER_")) {
    return `The database refuses (${error.message}). Look at the user, the password and the rights in OMS_MYSQL_URL: deploy/mysql/grants.sql has what the service needs in oms_db, ordercancel_db and wmsindb, and what OMS_ROLE=migrate needs.`;
  }
  return error.stack ?? error.message;
}

function causeOf(error: Error): string {
  return error.cause instanceof Error ? error.cause.message : error.message;
}

function portIn(message: string): number {
  return Number(/:(\d+)\b/.exec(message)?.[1] ?? 0);
}
