import { expect, test } from "vitest";
import { readConfig } from "../../../src/config/load.ts";
import { maxDatabaseConnections, poolSize } from "../../../src/server/database-connections.ts";

/** max_connections of MySQL and MariaDB by default. */
const DEFAULT_MAX_CONNECTIONS = 151;

test.each([
  ["1", 8],
  ["4", 8],
  ["6", 5],
  ["8", 4],
  ["64", 4],
])("the pool of each of %s processes has %i connections by default", (processes, connections) => {
  expect(poolSize(readConfig({ OMS_PROCESSES: processes }))).toBe(connections);
});

test("a configured pool size applies to each process", () => {
  const config = readConfig({ OMS_PROCESSES: "8", OMS_MYSQL_CONNECTIONS: "20", OMS_COMMIT_CONCURRENCY: "2" });
  expect(poolSize(config)).toBe(20);
  expect(maxDatabaseConnections(config)).toBe(8 * (20 + 2 + 2));
});

test("the default of MySQL suffices for two servers of eight processes", () => {
  const perServer = maxDatabaseConnections(readConfig({ OMS_PROCESSES: "8" }));
  expect(perServer).toBe(56);
  expect(2 * perServer).toBeLessThan(DEFAULT_MAX_CONNECTIONS);
});
