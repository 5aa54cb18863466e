import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { probe } from "./probe.ts";
import type { InstanceOptions, ServerKind } from "./server.ts";

/** Before 2.10 the file storage syncs every minute and takes no other word for it. */
async function knowsSyncInterval(program: string): Promise<boolean> {
  const { stdout } = await promisify(execFile)(program, ["--version"]);
  const [, major, minor] = /v(\d+)\.(\d+)/.exec(stdout) ?? [];
  return Number(major) > 2 || (Number(major) === 2 && Number(minor) >= 10);
}

async function writeSettings({ dir, port, durable }: InstanceOptions, program: string): Promise<void> {
  const sync = durable && (await knowsSyncInterval(program)) ? ', sync_interval: "1s"' : "";
  const settings = [
    "# Written at each start.",
    'host: "127.0.0.1"',
    `port: ${port}`,
    "max_payload: 1MB",
    `jetstream { store_dir: "."${sync} }`,
  ];
  await writeFile(join(dir, "nats.conf"), `${settings.join("\n")}\n`);
}

/**
 * Beside one service process one processor is plenty for it: several threads would mostly wake each other. Collecting its garbage half as
 * often takes it some 30 MB more.
 */
const GO_RUNTIME = { GOMAXPROCS: "1", GOGC: "200" };

/** NATS with JetStream, its streams in files. */
export const nats: ServerKind = {
  title: "NATS",
  program: "nats-server",
  async prepare(place, program) {
    await mkdir(place.dir, { recursive: true });
    await writeSettings(place, program);
  },
  args: () => ["--config", "nats.conf"],
  env: GO_RUNTIME,
  ready: (port) => probe(port, (answer) => /^INFO \{.*"jetstream":true.*\r\n/s.test(answer.toString())),
  url: (port) => `nats://127.0.0.1:${port}`,
  damage:
    /corrupt|error recovering|failed to (recover|restore)|could not (recover|create|read) .*(stream|storage|jetstream)|bad checksum|can't start jetstream/i,
  loss: "nothing of the orders is lost: what was not delivered yet is published again from the database",
};
