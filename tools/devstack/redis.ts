import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { probe } from "./ports.ts";
import { writePrivateFile } from "./private-file.ts";
import type { ServerKind } from "./server.ts";

/** Redis with a password, and an append-only file, so that its data survives a kill. */
export const redis: ServerKind = {
  title: "Redis",
  program: "redis-server",
  async prepare({ dir, port, passwords }) {
    await mkdir(dir, { recursive: true });
    const settings = [
      "# Generated at each start.",
      `port ${port}`,
      "bind 127.0.0.1",
      `requirepass ${passwords.redis.default}`,
      "dir .",
      "appendonly yes",
      "appendfsync everysec",
      'save ""',
      "maxmemory-policy noeviction",
    ];
    writePrivateFile(join(dir, "redis.conf"), `${settings.join("\n")}\n`);
  },
  args: () => ["redis.conf"],
  ready: ({ port, passwords }) =>
    probe(port, (answer) => answer.includes("+PONG"), `AUTH ${passwords.redis.default}\r\nPING\r\n`),
  url: (port, passwords) => `redis://default:${passwords.redis.default}@127.0.0.1:${port}`,
  damage:
    /bad file format reading the append only file|unexpected end of file reading the append only file|short read or oom loading db|wrong signature|aof manifest|rdb checksum|error reading the append only file/i,
  loss: "no orders are lost; a customer message in delivery may be sent twice",
};
