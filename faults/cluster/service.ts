import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { probe } from "../../tools/devstack/ports.ts";
import type { ServerKind } from "../../tools/devstack/server.ts";

/**
 * File in the service's folder with the offset of its wall clock, in milliseconds; read
 * periodically.
 */
export const CLOCK_FILE = "clock-offset";

const SKEWED_CLOCK = join(import.meta.dirname, "skewed-clock.mjs");

/**
 * Settings of the services under test. Short timeouts, so that a round of a minute exercises what
 * takes an hour otherwise. A freeze outlasts the lease, so that a thawed process finds its work
 * done by others.
 */
export const SERVICE_ENVIRONMENT: Readonly<Record<string, string>> = {
  OMS_LOG_LEVEL: "info",
  OMS_OUTBOX_RETENTION_MS: "4000",
  OMS_OUTBOX_SWEEP_MS: "500",
  OMS_LEDGER_SWEEP_DELAY_MS: "2000",
  OMS_LEASE_MS: "3000",
  OMS_ACTION_POLL_MS: "100",
  OMS_RETRY_BASE_MS: "100",
  OMS_RETRY_CAP_MS: "1000",
  // Injected faults must not park an entry.
  OMS_MAX_ATTEMPTS: "1000",
  OMS_EXTERNAL_TIMEOUT_MS: "1500",
  OMS_DRAIN_MS: "1000",
};

/**
 * A service process, managed like the backends. Its port is the HTTP port; its environment is a
 * file in its folder.
 *
 * @param main path of the program: the service, or a control in its place
 */
export function serviceKind(main: string, env: Readonly<Record<string, string>>): ServerKind {
  return {
    title: "Service",
    program: "node",
    async prepare({ dir }) {
      await mkdir(dir, { recursive: true });
      const lines = Object.entries(env).map(([name, value]) => `${name}='${value}'\n`);
      await writeFile(join(dir, "service.env"), lines.join(""));
    },
    args: () => ["--env-file=service.env", `--import=${SKEWED_CLOCK}`, main],
    ready: ({ port }) =>
      probe(
        port,
        (answer) => answer.toString().startsWith("HTTP/1.1 200"),
        "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n",
      ),
    url: (port) => `http://127.0.0.1:${port}`,
    damage: /$^/,
    loss: "the service keeps no state of its own",
  };
}
