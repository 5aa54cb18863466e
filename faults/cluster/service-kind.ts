import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { probe } from "../../tools/devstack/probe.ts";
import type { ServerKind } from "../../tools/devstack/server.ts";

/** The clock that the process believes in is this many milliseconds ahead of the machine's; the file is read again and again. */
export const CLOCK_FILE = "clock-offset";

const SKEWED_CLOCK = join(import.meta.dirname, "skewed-clock.mjs");

/**
 * The service's process, run like the servers around it. Its port is the one of HTTP; its environment lies in a file in its folder.
 *
 * @param main the program's path: the service, or what is put in its place
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
    ready: (port) =>
      probe(
        port,
        (answer) => answer.toString().startsWith("HTTP/1.1 200"),
        "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n",
      ),
    url: (port) => `http://127.0.0.1:${port}`,
    damage: /$^/,
    loss: "nothing is lost with it: it keeps no state",
  };
}
