import type { Config } from "./config.ts";
import { DatabaseUnavailableError } from "./store/errors.ts";

/** Why the service could not start, and what to do about it. */
export function explainTrouble(error: unknown, config: Config): string {
  if (!(error instanceof Error)) {
    return String(error);
  }
  if (error.name === "StackError") {
    return error.message;
  }
  if (error instanceof DatabaseUnavailableError) {
    return `The database does not answer (${causeOf(error)}). Is OMS_MYSQL_URL right, and does the server run?`;
  }
  const code = "code" in error ? String(error.code) : "";
  const port = "port" in error ? Number(error.port) : portIn(error.message);
  if (code === "EADDRINUSE" || error.message.includes("EADDRINUSE")) {
    const variable = port === config.httpPort ? "OMS_HTTP_PORT" : "OMS_GRPC_PORT";
    const wanted = port === config.httpPort ? config.httpPort : config.grpcPort;
    return `Port ${wanted} is in use. Stop what listens there (ss -ltnp 'sport = :${wanted}' names it), or choose another port: ${variable}=${wanted + 1} npm start`;
  }
  if (code === "EACCES" || error.message.includes("EACCES")) {
    return `No right to listen on a port below 1024 (${error.message}): choose OMS_GRPC_PORT and OMS_HTTP_PORT above it.`;
  }
  if (/EADDRNOTAVAIL|ENOTFOUND|EAI_AGAIN|Name resolution failed/.test(`${code} ${error.message}`)) {
    return `OMS_HOST is "${config.host}", which is no address of this machine: 127.0.0.1 for this machine alone, 0.0.0.0 for all.`;
  }
  if (code.startsWith("ER_")) {
    return `The database refuses (${error.message}). Look at the user, the password and the rights in OMS_MYSQL_URL: the service makes and changes tables in oms_db, ordercancel_db and wmsindb.`;
  }
  return error.stack ?? error.message;
}

function causeOf(error: Error): string {
  return error.cause instanceof Error ? error.cause.message : error.message;
}

function portIn(message: string): number {
  return Number(/:(\d+)\b/.exec(message)?.[1] ?? 0);
}
