import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { forEachSystem, type SystemUrls } from "../../../src/integrations/systems.ts";
import { probe } from "../probe.ts";
import type { ServerKind } from "../server.ts";

/** The URLs of the stub systems below that of their process. */
export function stubSystemUrls(url: string): SystemUrls {
  return forEachSystem((name) => `${url}/${name}`);
}

/** The neighbours' process, run like the other servers. */
export const stubSystems: ServerKind = {
  title: "Neighbours",
  program: "node",
  async prepare({ dir }) {
    await mkdir(dir, { recursive: true });
  },
  args: ({ port }) => [join(import.meta.dirname, "main.ts"), String(port), "received.jsonl"],
  ready: (port) =>
    probe(
      port,
      (answer) => answer.toString().startsWith("HTTP/1.1 200"),
      "GET /control HTTP/1.1\r\nhost: localhost\r\n\r\n",
    ),
  url: (port) => `http://127.0.0.1:${port}`,
  // It reads only lines that it can make sense of.
  damage: /$^/,
  loss: "what the neighbours received is forgotten",
};
