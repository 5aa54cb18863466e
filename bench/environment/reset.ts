import { Redis } from "ioredis";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { connect } from "nats";
import { SYSTEM_NAMES } from "../../src/integrations/systems.ts";
import { brokerOptions } from "../../src/messaging/nats/broker.ts";
import type { BackendProcesses } from "../../tools/testkit/backends.ts";

let prefixes = 0;

/** A schema prefix that was not used before. */
export function freshPrefix(): string {
  prefixes += 1;
  return `bench${prefixes}_`;
}

/**
 * Removes a subject's data: its schemas, all streams, everything in Redis, and requests and
 * settings of the stub systems. Every subject starts with empty backends.
 */
export async function resetBackends({ endpoints, stubSystemsUrl }: BackendProcesses, prefix: string): Promise<void> {
  await Promise.all([
    dropSchemas(endpoints.mysqlUrl, prefix),
    deleteStreams(endpoints.natsUrl),
    flushRedis(endpoints.redisUrl),
    clearStubSystems(stubSystemsUrl),
  ]);
}

async function dropSchemas(url: string, prefix: string): Promise<void> {
  const connection = await createConnection(url);
  const [rows] = await connection.query<RowDataPacket[]>(
    "select schema_name as name from information_schema.schemata where left(schema_name, ?) = ?",
    [prefix.length, prefix],
  );
  for (const { name } of rows) {
    await connection.query("drop database ??", [name]);
  }
  await connection.end();
}

async function deleteStreams(url: string): Promise<void> {
  const connection = await connect(brokerOptions({ url }));
  const manager = await connection.jetstreamManager();
  for (const name of await manager.streams.names().next()) {
    await manager.streams.delete(name);
  }
  await connection.close();
}

async function flushRedis(url: string): Promise<void> {
  const redis = new Redis(url);
  await redis.flushall();
  await redis.quit();
}

async function clearStubSystems(url: string): Promise<void> {
  await fetch(`${url}/received`, { method: "DELETE" });
  for (const system of SYSTEM_NAMES) {
    await fetch(`${url}/control`, { method: "POST", body: JSON.stringify({ system, mode: "ok" }) });
  }
}
