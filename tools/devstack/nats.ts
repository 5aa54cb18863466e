import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { probe } from "./ports.ts";
import { writePrivateFile } from "./private-file.ts";
import type { InstanceOptions, ServerKind } from "./server.ts";

/** sync_interval is configurable since 2.10; before, it is two minutes. */
async function supportsSyncInterval(program: string): Promise<boolean> {
  const { stdout } = await promisify(execFile)(program, ["--version"]);
  const [, major, minor] = /v(\d+)\.(\d+)/.exec(stdout) ?? [];
  return Number(major) > 2 || (Number(major) === 2 && Number(minor) >= 10);
}

async function writeSettings({ dir, port, passwords, durable }: InstanceOptions, program: string): Promise<void> {
  const sync = durable && (await supportsSyncInterval(program)) ? ', sync_interval: "1s"' : "";
  const settings = [
    "# Generated at each start.",
    'host: "127.0.0.1"',
    `port: ${port}`,
    `authorization { user: "oms", password: "${passwords.nats.oms}" }`,
    "max_payload: 1MB",
    `jetstream { store_dir: "."${sync} }`,
  ];
  writePrivateFile(join(dir, "nats.conf"), `${settings.join("\n")}\n`);
}

/**
 * One thread is enough beside one service process; more threads mostly wake each other. Collecting
 * garbage half as often costs about 30 MB.
 */
const GO_RUNTIME = { GOMAXPROCS: "1", GOGC: "200" };

/** NATS with JetStream, its streams in files, and one user. */
export const nats: ServerKind = {
  title: "NATS",
  program: "nats-server",
  async prepare(place, program) {
    await mkdir(place.dir, { recursive: true });
    await writeSettings(place, program);
  },
  args: () => ["--config", "nats.conf"],
  env: GO_RUNTIME,
  ready: ({ port }) => probe(port, (answer) => /^INFO \{.*"jetstream":true.*\r\n/s.test(answer.toString())),
  url: (port, passwords) => `nats://oms:${passwords.nats.oms}@127.0.0.1:${port}`,
  damage:
    /corrupt|error recovering|failed to (recover|restore)|could not (recover|create|read) .*(stream|storage|jetstream)|bad checksum|can't start jetstream/i,
  loss: "no orders are lost; undelivered events are republished from the database",
};
