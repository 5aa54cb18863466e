import { type Config, ConfigError } from "../config/load.ts";
import { describeConnectionError } from "../observability/connection-errors.ts";
import { redactUrls } from "../observability/redaction.ts";
import {
  DatabaseUnavailableError,
  MigrationPermissionError,
  MissingPrivilegesError,
  RetentionUserError,
} from "../store/mysql/errors.ts";
import { UnusableFileError } from "../transport/auth/watched-file.ts";
import { WorkerStartError } from "./processes/primary.ts";

/** What failed at startup and what to do, for the operator; without passwords. */
export function describeStartupError(error: unknown, config: Config): string {
  return redactUrls(error instanceof Error ? describe(error, config) : String(error));
}

function describe(error: Error, { mysql, retention, listen }: Config): string {
  if (
    error.name === "StackError" ||
    error instanceof ConfigError ||
    error instanceof UnusableFileError ||
    error instanceof WorkerStartError
  ) {
    return error.message;
  }
  if (error instanceof MigrationPermissionError) {
    return [
      `The database is not up to date (pending migrations: ${error.steps.join(", ")}), and the user of OMS_MYSQL_URL may not alter tables (${causeOf(error)}).`,
      "Run this version once with OMS_ROLE=migrate as a user that may (see deploy/mysql/users.sql), apply deploy/mysql/grants.sql, then start again.",
    ].join("\n");
  }
  if (error instanceof MissingPrivilegesError) {
    return `The user of OMS_MYSQL_URL lacks privileges (${listed(error.privileges)}). Apply deploy/mysql/grants.sql as the database administrator, then start again.`;
  }
  if (error instanceof RetentionUserError && error.cause instanceof MissingPrivilegesError) {
    const missing = listed(error.cause.privileges);
    return retention.mysqlUrl === undefined
      ? `Retention (OMS_HISTORY_RETENTION_DAYS, OMS_REQUEST_LOG_RETENTION_DAYS) deletes rows, and the user of OMS_MYSQL_URL may not (${missing}). Set OMS_RETENTION_MYSQL_URL to the user oms_retention of deploy/mysql, or the retention periods to 0.`
      : `The user of OMS_RETENTION_MYSQL_URL lacks privileges (${missing}). Apply deploy/mysql/grants.sql as the database administrator, then start again.`;
  }
  const ofRetention = error instanceof RetentionUserError && retention.mysqlUrl !== undefined;
  const connectionError = describeConnectionError(error, {
    backend: "MySQL",
    ...(ofRetention
      ? {
          urlVariable: "OMS_RETENTION_MYSQL_URL",
          passwordVariable: retention.mysqlPasswordFile && "OMS_RETENTION_MYSQL_PASSWORD_FILE",
        }
      : { urlVariable: "OMS_MYSQL_URL", passwordVariable: mysql.passwordFile && "OMS_MYSQL_PASSWORD_FILE" }),
    caVariable: "OMS_MYSQL_CA_FILE",
    hasCa: mysql.caFile !== undefined,
  });
  if (connectionError !== undefined) {
    return connectionError;
  }
  if (error instanceof DatabaseUnavailableError) {
    return `The database is unreachable (${causeOf(error)}). Check OMS_MYSQL_URL and that the server is running.`;
  }
  const code = "code" in error ? String(error.code) : "";
  const text = `${code} ${error.message}`;
  if (text.includes("EADDRINUSE")) {
    const port = "port" in error ? Number(error.port) : portIn(error.message);
    const [variable, wanted] =
      port === listen.httpPort ? ["OMS_HTTP_PORT", listen.httpPort] : ["OMS_GRPC_PORT", listen.grpcPort];
    return `Port ${wanted} is in use. Stop the process that listens on it (ss -ltnp 'sport = :${wanted}' shows it), or use another port: ${variable}=${wanted + 1} npm start`;
  }
  if (text.includes("EACCES")) {
    return `Permission denied to listen on a port below 1024 (${error.message}). Set OMS_GRPC_PORT and OMS_HTTP_PORT to higher ports.`;
  }
  if (/EADDRNOTAVAIL|ENOTFOUND|EAI_AGAIN|Name resolution failed/.test(text)) {
    return `OMS_HOST="${listen.host}" is not an address of this machine. Set it to 127.0.0.1 for local clients only, or to 0.0.0.0 for all interfaces.`;
  }
  if (code.startsWith("ER_")) {
    return `The database rejected a statement (${error.message}). Check the user, the password and the grants of OMS_MYSQL_URL: deploy/mysql/grants.sql lists those for oms_db, ordercancel_db and wmsindb, and those for OMS_ROLE=migrate.`;
  }
  return error.stack ?? error.message;
}

/** The first entries of a list, and how many there are besides. */
function listed(entries: readonly string[], maximum = 5): string {
  const more = entries.length - maximum;
  return entries.slice(0, maximum).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

function causeOf(error: Error): string {
  return error.cause instanceof Error ? error.cause.message : error.message;
}

function portIn(message: string): number {
  return Number(/:(\d+)\b/.exec(message)?.[1] ?? 0);
}
