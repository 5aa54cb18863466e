import { mkdir } from "node:fs/promises";
import { probe } from "./ports.ts";
import type { ServerKind } from "./server.ts";

/** Redis with an append-only file, so that its data survives a kill. */
export const redis: ServerKind = {
  title: "Redis",
  program: "redis-server",
  async prepare({ dir }) {
    await mkdir(dir, { recursive: true });
  },
  args: ({ port }) => [
    ...["--port", String(port)],
    ...["--bind", "127.0.0.1"],
    ...["--dir", "."],
    ...["--appendonly", "yes"],
    ...["--appendfsync", "everysec"],
    ...["--save", ""],
    ...["--maxmemory-policy", "noeviction"],
  ],
  ready: (port) => probe(port, (answer) => answer.toString().startsWith("+PONG"), "PING\r\n"),
  url: (port) => `redis://127.0.0.1:${port}`,
  damage:
    /bad file format reading the append only file|unexpected end of file reading the append only file|short read or oom loading db|wrong signature|aof manifest|rdb checksum|error reading the append only file/i,
  loss: "no orders are lost; a customer message in delivery may be sent twice",
};
