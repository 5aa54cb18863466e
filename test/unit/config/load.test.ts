import { describe, expect, it } from "vitest";
import { CONFIG_VARIABLES, ConfigError, readConfig } from "../../../src/config/load.ts";
import { DEFAULT_ORDER_KINDS } from "../../../src/domain/order-kinds.ts";

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
      metricsPort: undefined,
      auth: undefined,
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
      OMS_LEGACY_CALLERS: `{"wms": {"addresses": ["10.1.0.0/16", "2001:db8::7"]}, "pay": {"tokenSha256": ["${"AB".repeat(32)}"]}}`,
      OMS_LEGACY_HTTP_ERRORS: "true",
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
      legacy: {
        callers: [
          { name: "wms", addresses: ["10.1.0.0/16", "2001:db8::7"], tokenSha256: [] },
          { name: "pay", addresses: [], tokenSha256: ["ab".repeat(32)] },
        ],
        failuresAreErrors: true,
      },
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
    ["OMS_NATS_URL", "http://host:4222", "a URL like nats://user:password@host:4222, with nothing after the port"],
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
    ["OMS_LEGACY_HTTP_ERRORS", "yes", "one of false, true"],
    ["OMS_LEGACY_NAMESPACE", "orderstatus", "a URI like http://orderstatus.oms/"],
  ])("refuses %s=%s and says what would be right", (name, value, right) => {
    const message = wrong({ [name]: value });
    expect(message.split("; right would be ")).toEqual([
      `${name} is "${value}"`,
      typeof right === "string" ? `${right}.` : right,
    ]);
  });

  it.each([
    "wms",
    "{",
    "[]",
    "null",
    '{"wms": "10.1.0.0/16"}',
    '{"wms": {"adresses": ["10.1.0.0/16"]}}',
    '{"wms": {"addresses": "10.1.0.0/16"}}',
    '{"wms": {"addresses": ["10.1.0.0/33"]}}',
    '{"wms": {"addresses": ["10.1.0"]}}',
    '{"wms": {"addresses": ["wms.example"]}}',
    '{"wms": {"addresses": ["2001:db8::/129"]}}',
    '{"wms": {"tokenSha256": ["secret"]}}',
    `{"wms": {"tokenSha256": ["${"0".repeat(63)}"]}}`,
    '{"": {}}',
    '{"仓库": {}}',
    `{"${"x".repeat(65)}": {}}`,
  ])("refuses %s for callers of old addresses, and does not show what may have a secret in it", (value) => {
    expect(wrong({ OMS_LEGACY_CALLERS: value })).toBe(
      'OMS_LEGACY_CALLERS is not what it should be; right would be a JSON object of callers like {"wms": {"addresses": ["10.1.0.0/16"], "tokenSha256": ["<64 hex digits>"]}}.',
    );
  });

  it.each([
    [{ OMS_TLS_CERT_FILE: "a.pem" }, "set both"],
    [{ OMS_TLS_KEY_FILE: "a.key" }, "set both"],
    [{ OMS_TLS_CLIENT_CA_FILE: "ca.pem" }, "no OMS_TLS_CLIENT_CA_FILE"],
    [{ OMS_MYSQL_CA_FILE: "ca.pem" }, "OMS_MYSQL_URL is not"],
    [{ OMS_REDIS_CA_FILE: "ca.pem" }, "OMS_REDIS_URL is not"],
    [{ OMS_NATS_CA_FILE: "ca.pem" }, "OMS_NATS_URL is not"],
    [{ OMS_NATS_CREDS_FILE: "oms.creds" }, "OMS_NATS_URL is not"],
    [{ OMS_MYSQL_CA_FILE: "ca.pem", OMS_MYSQL_URL: "mysql://u:p@10.0.0.1:3306" }, "the host name"],
    [{ OMS_MYSQL_CA_FILE: "ca.pem", OMS_MYSQL_URL: "mysql://u:p@[::1]:3306" }, "the host name"],
  ])("refuses %j, which is half of something", (env, words) => {
    expect(wrong(env)).toContain(words);
  });

  it.each([
    [{ OMS_MYSQL_URL: "postgres://user:hunter2@host" }],
    [{ OMS_MYSQL_URL: "user:hunter2@host:3306" }],
    [{ OMS_MYSQL_URL: "mysql://user:hunt@hunter2@host:3306/x" }],
    [{ OMS_MYSQL_URL: "mysql://user:hunter2/with#odd?things@host:3306" }],
    [{ OMS_NATS_URL: "nats://hunter2@host:4222/x" }],
    [{ OMS_REDIS_URL: "http://:hunter2@host" }],
    [{ OMS_EINVOICE_URL: "ftp://host/x?a=1&token=hunter2" }],
    [{ OMS_LEGACY_CALLERS: '{"wms": {"tokenSha256": ["hunter2"]}}' }],
  ])("shows no secret of %j", (env) => {
    const message = wrong(env);
    expect(message).toContain(Object.keys(env)[0]);
    expect(message).not.toContain("hunter2");
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
