import { describe, expect, it } from "vitest";
import { CONFIG_VARIABLES, ConfigError, readConfig } from "../../src/config.ts";
import { DEFAULT_ORDER_KINDS } from "../../src/domain/order-kinds.ts";

const wrong = (env: NodeJS.ProcessEnv): string => {
  try {
    readConfig(env);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message;
  }
  return "";
};

describe("the configuration", () => {
  it("needs no variable", () => {
    const config = readConfig({});
    expect(config).toMatchObject({
      role: "all",
      host: "127.0.0.1",
      grpcPort: 50_051,
      httpPort: 8_080,
      mysqlUrl: undefined,
      databasePrefix: "",
      orderKinds: DEFAULT_ORDER_KINDS,
      logLevel: "info",
      corsOrigins: [],
      crashAt: undefined,
      warnings: [],
    });
    expect(config.dataDir).toBe(`${process.cwd()}/.data`);
    expect(config.timing).toMatchObject({
      outboxKeepMs: 150_000,
      ledgerWatchMs: 30_000,
      leaseMs: 30_000,
      maxAttempts: 12,
    });
  });

  it("takes an empty variable as not set", () => {
    expect(readConfig({ OMS_HTTP_PORT: "", OMS_MYSQL_URL: "" })).toEqual(readConfig({}));
  });

  it("reads what is set", () => {
    const config = readConfig({
      OMS_ROLE: "serve",
      OMS_HOST: "::1",
      OMS_GRPC_PORT: "0",
      OMS_HTTP_PORT: "0",
      OMS_MYSQL_URL: "mysql://user:p%40ss@db.example:3306",
      OMS_REDIS_URL: "rediss://:secret@cache.example:6380/2",
      OMS_NATS_URL: "nats://broker.example:4222",
      OMS_ERP_URL: "https://erp.example/api",
      OMS_SHADOW_URL: "http://old-oms:8080/oms",
      OMS_DATA_DIR: "/data",
      OMS_DATABASE_PREFIX: "blue_",
      OMS_ORDER_KINDS: '{"enterpriseTypes": [21, 22]}',
      OMS_CORS_ORIGINS: "https://one.example, http://localhost:5173",
      OMS_CRASH_AT: "after-commit",
      OMS_LEASE_MS: "500",
    });
    expect(config).toMatchObject({
      role: "serve",
      host: "::1",
      grpcPort: 0,
      httpPort: 0,
      mysqlUrl: "mysql://user:p%40ss@db.example:3306",
      redisUrl: "rediss://:secret@cache.example:6380/2",
      natsUrl: "nats://broker.example:4222",
      neighbours: { erpUrl: "https://erp.example/api", wmsUrl: undefined },
      shadowUrl: "http://old-oms:8080/oms",
      dataDir: "/data",
      databasePrefix: "blue_",
      orderKinds: { ...DEFAULT_ORDER_KINDS, enterpriseTypes: [21, 22] },
      corsOrigins: ["https://one.example", "http://localhost:5173"],
      crashAt: "after-commit",
      timing: { leaseMs: 500 },
    });
  });

  it.each([
    ["OMS_GRPC_PORT", "65536", "a whole number from 0 to 65535"],
    ["OMS_HTTP_PORT", "http", "a whole number from 0 to 65535"],
    ["OMS_HTTP_PORT", "80.5", "a whole number from 0 to 65535"],
    ["OMS_LEASE_MS", "-1", "a whole number from 10 to 3600000"],
    ["OMS_ROLE", "both", "one of all, serve, subscribe, migrate"],
    ["OMS_HOST", "http://localhost", "a host name or an IP address, without a port"],
    ["OMS_LOG_LEVEL", "loud", "one of trace, debug, info, warn, error, fatal, silent"],
    [
      "OMS_MYSQL_URL",
      "mysql://host:3306/oms_db",
      "a URL like mysql://user:password@host:3306, with nothing after the port",
    ],
    ["OMS_MYSQL_URL", "localhost:3306", "a URL like mysql://user:password@host:3306, with nothing after the port"],
    ["OMS_NATS_URL", "http://host:4222", "a URL like nats://host:4222, with nothing after the port"],
    ["OMS_EINVOICE_URL", "mail.example", "a URL like http://host:8090/einvoice"],
    ["OMS_SHADOW_URL", "http://old-oms:8080/oms?a=1", "without a query"],
    ["OMS_DATABASE_PREFIX", "a-b", "1 to 32 of a-z, 0-9 and _"],
    [
      "OMS_CORS_ORIGINS",
      "https://one.example/path",
      "origins like https://console.example.com with commas between, or *",
    ],
    ["OMS_ORDER_KINDS", "{", expect.stringContaining("a JSON object of lists of numbers")],
    [
      "OMS_ORDER_KINDS",
      '{"enterprise": [1]}',
      expect.stringContaining("with names out of marketplaceSources, enterpriseTypes"),
    ],
    ["OMS_CRASH_AT", "somewhere", expect.stringContaining("one of after-status-write, before-commit")],
  ])("refuses %s=%s and says what would be right", (name, value, right) => {
    const message = wrong({ [name]: value });
    expect(message.split("; right would be ")).toEqual([
      `${name} is "${value}"`,
      typeof right === "string" ? `${right}.` : right,
    ]);
  });

  it("names every variable that is wrong, and no password", () => {
    const message = wrong({ OMS_ROLE: "x", OMS_MYSQL_URL: "mysql://user:hunter2@host:1/db" });
    expect(message.split("\n")).toHaveLength(2);
    expect(message).toContain("mysql://user:***@host:1/db");
    expect(message).not.toContain("hunter2");
  });

  it("refuses one port for two protocols", () => {
    expect(wrong({ OMS_GRPC_PORT: "9000", OMS_HTTP_PORT: "9000" })).toContain("two ports");
  });

  it("warns of a misspelt variable", () => {
    expect(readConfig({ OMS_GRPC_PROT: "1", PATH: "/bin" }).warnings).toEqual([
      "OMS_GRPC_PROT is not a variable of this service and changes nothing; the nearest one is OMS_GRPC_PORT",
    ]);
  });

  it("tells of each variable its default and meaning", () => {
    for (const { name, default: byDefault, meaning } of CONFIG_VARIABLES) {
      expect(name).toMatch(/^OMS_[A-Z_]+$/);
      expect(meaning).toMatch(/^.{10,}[.]$/);
      expect(readConfig({ [name]: byDefault === "not set" ? "" : byDefault })).toEqual(readConfig({}));
    }
  });
});
