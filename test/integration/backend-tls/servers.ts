import { appendFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { connect } from "node:tls";
import { nats } from "../../../tools/devstack/nats.ts";
import { redis } from "../../../tools/devstack/redis.ts";
import type { ServerKind } from "../../../tools/devstack/server.ts";
import type { Certificate } from "../../support/certificates.ts";
import { databaseServer, ON_MYSQL } from "../../support/database-engine.ts";

/** A database server that requires TLS. */
export function databaseWithTls({ certFile, keyFile }: Certificate): ServerKind {
  return {
    ...databaseServer,
    args: (place) => [
      ...databaseServer.args(place),
      `--ssl-cert=${certFile}`,
      `--ssl-key=${keyFile}`,
      "--require-secure-transport=on",
      ...(ON_MYSQL ? ["--tls-version=TLSv1.2,TLSv1.3"] : []),
    ],
  };
}

/** A Redis that requires TLS, with further lines of configuration. */
export function redisWithTls({ certFile, keyFile }: Certificate, ...lines: readonly string[]): ServerKind {
  return {
    ...redis,
    async prepare(place, program) {
      await redis.prepare(place, program);
      await appendFile(join(place.dir, "redis.conf"), `${lines.join("\n")}\n`);
    },
    args: ({ port }) => [
      "redis.conf",
      ...["--port", "0", "--tls-port", String(port)],
      ...["--tls-cert-file", certFile, "--tls-key-file", keyFile, "--tls-auth-clients", "no"],
    ],
    ready: ({ port }) =>
      new Promise((resolve) => {
        const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false }, () => finish(true));
        const finish = (is: boolean) => {
          socket.destroy();
          resolve(is);
        };
        socket.once("error", () => finish(false));
      }),
  };
}

/** A NATS with a configuration of everything but its port, and environment variables for it. */
export function natsWithFile(configuration: string, env: Readonly<Record<string, string>>): ServerKind {
  return {
    ...natsWith(configuration),
    env,
  };
}

/** A NATS with further lines of configuration. */
export function natsWith(...lines: readonly string[]): ServerKind {
  const ownStore = lines.some((line) => /^jetstream /m.test(line));
  return {
    ...nats,
    async prepare(place, program) {
      await nats.prepare(place, program);
      const settings = [
        'host: "127.0.0.1"',
        `port: ${place.port}`,
        ...(ownStore ? [] : ['jetstream { store_dir: "." }']),
        ...lines,
      ];
      await writeFile(join(place.dir, "nats.conf"), `${settings.join("\n")}\n`);
    },
  };
}

/** The block of a NATS configuration that has it take nothing but TLS. */
export function natsTlsBlock({ certFile, keyFile }: Certificate): string {
  return `tls { cert_file: "${certFile}", key_file: "${keyFile}" }`;
}
