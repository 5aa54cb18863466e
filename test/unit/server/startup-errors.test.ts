import { expect, test } from "vitest";
import { ConfigError, readConfig } from "../../../src/config/load.ts";
import { describeStartupError } from "../../../src/server/startup-errors.ts";
import { DatabaseUnavailableError, MigrationPermissionError } from "../../../src/store/mysql/errors.ts";

const config = readConfig({ OMS_GRPC_PORT: "9000", OMS_HTTP_PORT: "9001", OMS_MYSQL_URL: "mysql://oms:pw@db:3306" });

const withCode = (code: string, message: string, more: object = {}) =>
  Object.assign(new Error(message), { code, ...more });

test.each<[string, unknown, string | RegExp]>([
  ["a configuration error", new ConfigError("OMS_ROLE is invalid."), "OMS_ROLE is invalid."],
  [
    "pending migrations without permission",
    new MigrationPermissionError(["009-shadow"], new Error("ALTER command denied")),
    /pending migrations: 009-shadow\).*may not alter tables \(ALTER command denied\)\.\nRun this version once with OMS_ROLE=migrate/s,
  ],
  [
    "an unreachable database",
    new DatabaseUnavailableError(new Error("connect ECONNREFUSED")),
    "The database is unreachable (connect ECONNREFUSED). Check OMS_MYSQL_URL and that the server is running.",
  ],
  [
    "wrong credentials",
    withCode("ER_ACCESS_DENIED_ERROR", "Access denied for user 'oms'"),
    /^MySQL rejected the credentials \(Access denied for user 'oms'\)/,
  ],
  [
    "a missing grant",
    withCode("ER_DBACCESS_DENIED_ERROR", "Access denied to database 'wmsindb'"),
    /^The database rejected a statement \(Access denied to database 'wmsindb'\).*deploy\/mysql\/grants\.sql/,
  ],
  [
    "the gRPC port in use",
    new Error("No address added out of total 1 resolved: [EADDRINUSE: address already in use 127.0.0.1:9000]"),
    /^Port 9000 is in use\..*OMS_GRPC_PORT=9001 npm start$/,
  ],
  [
    "the HTTP port in use",
    withCode("EADDRINUSE", "listen EADDRINUSE", { port: 9001 }),
    /^Port 9001 is in use\..*OMS_HTTP_PORT=9002 npm start$/,
  ],
  [
    "a privileged port",
    withCode("EACCES", "listen EACCES: permission denied 127.0.0.1:80"),
    /^Permission denied to listen on a port below 1024/,
  ],
  [
    "an address of another machine",
    withCode("EADDRNOTAVAIL", "listen EADDRNOTAVAIL"),
    /^OMS_HOST="127\.0\.0\.1" is not an address of this machine\./,
  ],
  ["any other value", "no error", "no error"],
])("%s", (_name, error, expected) => {
  const described = describeStartupError(error, config);
  expect(described).toEqual(typeof expected === "string" ? expected : expect.stringMatching(expected));
});

test("shows no password", () => {
  const error = new ConfigError("cannot connect to mysql://oms:hunter2@db:3306");
  expect(describeStartupError(error, config)).toBe("cannot connect to mysql://oms:***@db:3306");
});

test("an unknown error keeps its stack", () => {
  expect(describeStartupError(new Error("bug"), config)).toContain("startup-errors.test.ts");
});
