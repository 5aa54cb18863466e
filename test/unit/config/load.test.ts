import { describe, expect, it } from "vitest";
import { ConfigError, readConfig } from "../../../src/config/load.ts";
import { CONFIG_VARIABLES } from "../../../src/config/variables.ts";
import { DEFAULT_ORDER_KINDS } from "../../../src/domain/order-kinds.ts";

const MYSQL_URL = "a URL like mysql://user:password@host:3306 or mysql://user:password@host:3306/database";

/** The message of the error with which the environment is rejected; empty if it is valid. */
const errorFor = (env: NodeJS.ProcessEnv): string => {
  try {
    readConfig(env);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message;
  }
  return "";
};

describe("readConfig", () => {
  it("requires no variable", () => {
    const config = readConfig({});
    expect(config).toMatchObject({
      listen: { host: "127.0.0.1", grpcPort: 50_051, httpPort: 8_080, metricsPort: undefined, corsOrigins: [] },
      service: { role: "all", dataDir: `${process.cwd()}/.data` },
      mysql: { url: undefined, databasePrefix: "" },
      orders: { kinds: DEFAULT_ORDER_KINDS },
      auth: { methods: [] },
      legacy: { callers: [] },
      log: { level: "info", slowMs: 1_000 },
      outbox: { retentionMs: 150_000 },
      actions: { ledgerSweepDelayMs: 30_000, leaseMs: 30_000, maxAttempts: 12 },
      retention: { historyDays: 0 },
      tracing: undefined,
      warnings: [],
    });
  });

  it("treats an empty variable as not set", () => {
    expect(readConfig({ OMS_HTTP_PORT: "", OMS_MYSQL_URL: "" })).toEqual(readConfig({}));
  });

  it("parses each kind of value", () => {
    const config = readConfig({
      OMS_ROLE: "serve",
      OMS_HOST: "::1",
      OMS_GRPC_PORT: "0",
      OMS_HTTP_PORT: "0",
      OMS_MYSQL_URL: "mysql://user:p%40ss@db.example:3306/oms_db",
      OMS_REDIS_URL: "rediss://:secret@cache.example:6380/2",
      OMS_NATS_URL: "nats://broker.example:4222",
      OMS_ERP_URL: "https://erp.example/api",
      OMS_SHADOW_URL: "http://old-oms:8080/oms",
      OMS_DATA_DIR: "/data",
      OMS_DATABASE_PREFIX: "blue_",
      OMS_ORDER_KINDS: '{"enterpriseTypes": [21, 22]}',
      OMS_CORS_ORIGINS: "https://one.example, http://localhost:5173",
      OMS_LEASE_MS: "500",
      OMS_SLOW_MS: "0",
      OMS_LEGACY_CALLERS: `{"wms": {"addresses": ["10.1.0.0/16", "2001:db8::7"]}, "pay": {"tokenSha256": ["${"AB".repeat(32)}"]}}`,
      OMS_LEGACY_HTTP_ERRORS: "true",
    });
    expect(config).toMatchObject({
      listen: { host: "::1", grpcPort: 0, httpPort: 0, corsOrigins: ["https://one.example", "http://localhost:5173"] },
      service: { role: "serve", dataDir: "/data" },
      mysql: { url: "mysql://user:p%40ss@db.example:3306/oms_db", databasePrefix: "blue_" },
      redis: { url: "rediss://:secret@cache.example:6380/2" },
      nats: { url: "nats://broker.example:4222" },
      systemUrls: { erp: "https://erp.example/api", wms: undefined },
      orders: { kinds: { ...DEFAULT_ORDER_KINDS, enterpriseTypes: [21, 22] } },
      log: { slowMs: Number.POSITIVE_INFINITY },
      actions: { leaseMs: 500 },
      legacy: {
        enabled: true,
        callers: [
          { name: "wms", addresses: ["10.1.0.0/16", "2001:db8::7"], tokenSha256: [] },
          { name: "pay", addresses: [], tokenSha256: ["ab".repeat(32)] },
        ],
        httpErrors: true,
        shadowUrl: "http://old-oms:8080/oms",
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
    ["OMS_MYSQL_URL", "mysql://host:3306/oms_db/x", MYSQL_URL],
    ["OMS_MYSQL_URL", "mysql://host:3306/oms_db?x=1", MYSQL_URL],
    ["OMS_MYSQL_URL", "localhost:3306", MYSQL_URL],
    ["OMS_NATS_URL", "http://host:4222", "a URL like nats://user:password@host:4222, without a path"],
    ["OMS_EINVOICE_URL", "mail.example", "a URL like http://host:8090/einvoice"],
    ["OMS_SHADOW_URL", "http://old-oms:8080/oms?a=1", "a URL without a query"],
    ["OMS_DATABASE_PREFIX", "a-b", "up to 32 characters of a-z, 0-9 and _"],
    ["OMS_CORS_ORIGINS", "https://one.example/path", "comma-separated origins like https://console.example.com, or *"],
    ["OMS_ORDER_KINDS", "{", expect.stringContaining("a JSON object of number lists")],
    [
      "OMS_ORDER_KINDS",
      '{"enterprise": [1]}',
      expect.stringContaining("with the keys marketplaceSources, enterpriseTypes"),
    ],
    ["OMS_LEGACY_HTTP_ERRORS", "yes", "one of false, true"],
    ["OMS_LEGACY_NAMESPACE", "orderstatus", "a URI like http://orderstatus.oms/"],
  ])("rejects %s=%s with what is expected", (name, value, expected) => {
    expect(errorFor({ [name]: value }).split(" is invalid: expected ")).toEqual([
      `${name}="${value}"`,
      typeof expected === "string" ? `${expected}.` : expected,
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
  ])("rejects OMS_LEGACY_CALLERS=%s without showing the value, which may hold a secret", (value) => {
    expect(errorFor({ OMS_LEGACY_CALLERS: value })).toBe(
      'OMS_LEGACY_CALLERS is invalid: expected a JSON object of callers like {"wms": {"addresses": ["10.1.0.0/16"], "tokenSha256": ["<64 hex digits>"]}}.',
    );
  });

  it.each([
    [{ OMS_MYSQL_URL: "postgres://user:hunter2@host" }],
    [{ OMS_MYSQL_URL: "user:hunter2@host:3306" }],
    [{ OMS_MYSQL_URL: "mysql://user:hunt@hunter2@host:3306/x/y" }],
    [{ OMS_MYSQL_URL: "mysql://user:hunter2/with#odd?things@host:3306" }],
    [{ OMS_NATS_URL: "nats://hunter2@host:4222/x" }],
    [{ OMS_REDIS_URL: "http://:hunter2@host" }],
    [{ OMS_EINVOICE_URL: "ftp://host/x?a=1&token=hunter2" }],
    [{ OMS_LEGACY_CALLERS: '{"wms": {"tokenSha256": ["hunter2"]}}' }],
  ])("shows no secret of %j", (env) => {
    const message = errorFor(env);
    expect(message).toContain(Object.keys(env)[0]);
    expect(message).not.toContain("hunter2");
  });

  it("reports all errors at once, constraints between valid variables included", () => {
    const env = {
      OMS_ROLE: "x",
      OMS_MYSQL_URL: "mysql://user:hunter2@host:1/db/x",
      OMS_MYSQL_CA_FILE: "ca.pem",
      OMS_GRPC_PORT: "9000",
      OMS_HTTP_PORT: "9000",
      OMS_AUTH: "jwt",
    };
    expect(errorFor(env).split("\n")).toEqual([
      'OMS_ROLE="x" is invalid: expected one of all, serve, subscribe, migrate.',
      `OMS_MYSQL_URL="mysql://user:***@host:1/db/x" is invalid: expected ${MYSQL_URL}.`,
      "OMS_GRPC_PORT and OMS_HTTP_PORT are both 9000: gRPC and HTTP/1.1 require separate ports.",
      "OMS_AUTH=jwt requires OMS_JWT_KEYS, OMS_JWT_ISSUER and OMS_JWT_AUDIENCE.",
    ]);
  });

  it("warns of an unknown variable and names the nearest one", () => {
    expect(readConfig({ OMS_GRPC_PROT: "1", PATH: "/bin" }).warnings).toEqual([
      "OMS_GRPC_PROT is not a variable of this service and is ignored: did you mean OMS_GRPC_PORT?",
    ]);
  });

  it("accepts the variables of the fault tests without a warning", () => {
    expect(readConfig({ OMS_CRASH_AT: "after-commit" }).warnings).toEqual([]);
  });
});

describe("a combination of variables", () => {
  it.each([
    [{ OMS_AUTH: "mtls" }, "OMS_AUTH=mtls requires OMS_TLS_CLIENT_CA_FILE, OMS_TLS_CERT_FILE and OMS_TLS_KEY_FILE."],
    [{ OMS_TLS_CERT_FILE: "a.pem" }, "OMS_TLS_CERT_FILE requires OMS_TLS_KEY_FILE."],
    [{ OMS_TLS_KEY_FILE: "a.key" }, "OMS_TLS_KEY_FILE requires OMS_TLS_CERT_FILE."],
    [{ OMS_TLS_CLIENT_CA_FILE: "ca.pem" }, "OMS_TLS_CLIENT_CA_FILE requires OMS_TLS_CERT_FILE and OMS_TLS_KEY_FILE."],
    [{ OMS_MYSQL_CA_FILE: "ca.pem" }, "OMS_MYSQL_CA_FILE requires OMS_MYSQL_URL: the embedded server has no TLS."],
    [{ OMS_REDIS_CA_FILE: "ca.pem" }, "OMS_REDIS_CA_FILE requires OMS_REDIS_URL: the embedded server has no TLS."],
    [{ OMS_NATS_CA_FILE: "ca.pem" }, "OMS_NATS_CA_FILE requires OMS_NATS_URL: the embedded server has no TLS."],
    [{ OMS_NATS_CREDS_FILE: "oms.creds" }, "OMS_NATS_CREDS_FILE requires OMS_NATS_URL."],
    [{ OMS_MYSQL_PASSWORD_FILE: "p" }, "OMS_MYSQL_PASSWORD_FILE requires OMS_MYSQL_URL with a user."],
    [
      { OMS_NATS_PASSWORD_FILE: "p", OMS_NATS_URL: "nats://host:4222" },
      "OMS_NATS_PASSWORD_FILE requires OMS_NATS_URL with a user.",
    ],
    [
      { OMS_REDIS_PASSWORD_FILE: "p", OMS_REDIS_URL: "redis://:q@host:6379" },
      "OMS_REDIS_PASSWORD_FILE requires OMS_REDIS_URL without a password.",
    ],
    [
      { OMS_NATS_PASSWORD_FILE: "p", OMS_NATS_CREDS_FILE: "oms.creds", OMS_NATS_URL: "nats://oms@host:4222" },
      "OMS_NATS_CREDS_FILE and OMS_NATS_PASSWORD_FILE exclude each other: unset one of them.",
    ],
    [
      { OMS_RETENTION_MYSQL_URL: "mysql://u:p@host:3306" },
      "OMS_RETENTION_MYSQL_URL requires OMS_MYSQL_URL: the embedded server has a user for retention.",
    ],
    [
      { OMS_MYSQL_CA_FILE: "ca.pem", OMS_MYSQL_URL: "mysql://u:p@10.0.0.1:3306" },
      "OMS_MYSQL_CA_FILE requires a host name in OMS_MYSQL_URL, was 10.0.0.1: the driver checks certificates against names only.",
    ],
    [
      { OMS_MYSQL_CA_FILE: "ca.pem", OMS_MYSQL_URL: "mysql://u:p@[::1]:3306" },
      "OMS_MYSQL_CA_FILE requires a host name in OMS_MYSQL_URL, was [::1]: the driver checks certificates against names only.",
    ],
  ])("%j is rejected", (env, message) => {
    expect(errorFor(env)).toBe(message);
  });
});

describe("a renamed variable", () => {
  const renamed = CONFIG_VARIABLES.filter(({ formerly }) => formerly !== undefined);

  it.each(renamed.map(({ name, formerly = "", default: value }) => [formerly, name, value]))(
    "%s is accepted for %s with a warning",
    (formerly, name, value) => {
      const text = value === "not set" ? "permissions.json" : `${Number(value) + 1}`;
      const { warnings, ...config } = readConfig({ [formerly]: text });
      expect(warnings).toEqual([`${formerly} is deprecated: use ${name}`]);
      expect({ ...config, warnings: [] }).toEqual(readConfig({ [name]: text }));
    },
  );

  it("may be set under both names to the same value", () => {
    const env = { OMS_UPKEEP_EVERY_MS: "500", OMS_RETENTION_INTERVAL_MS: "500" };
    expect(readConfig(env)).toMatchObject({
      retention: { intervalMs: 500 },
      warnings: ["OMS_UPKEEP_EVERY_MS is deprecated: use OMS_RETENTION_INTERVAL_MS"],
    });
  });

  it("is rejected under both names with different values", () => {
    expect(errorFor({ OMS_UPKEEP_EVERY_MS: "500", OMS_RETENTION_INTERVAL_MS: "600" })).toBe(
      "OMS_RETENTION_INTERVAL_MS and its former name OMS_UPKEEP_EVERY_MS have different values: unset OMS_UPKEEP_EVERY_MS.",
    );
  });

  it("is named in an error as it was set", () => {
    expect(errorFor({ OMS_UPKEEP_EVERY_MS: "often" })).toBe(
      'OMS_UPKEEP_EVERY_MS="often" is invalid: expected a whole number from 10 to 86400000.',
    );
  });
});

describe("CONFIG_VARIABLES", () => {
  it("documents each variable with a default that is valid", () => {
    for (const { name, default: byDefault, description } of CONFIG_VARIABLES) {
      expect(name).toMatch(/^OMS_[A-Z_]+$/);
      expect(description).toMatch(/^.{10,}[.]$/);
      expect(readConfig({ [name]: byDefault === "not set" ? "" : byDefault })).toEqual(readConfig({}));
    }
  });

  it("lists no variable of the fault tests", () => {
    expect(CONFIG_VARIABLES.map(({ name }) => name)).not.toContain("OMS_CRASH_AT");
  });
});
