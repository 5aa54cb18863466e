import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, expect } from "vitest";
import { missingPackages, PROXY_PACKAGES } from "../../support/foreign-clients.ts";

/** Fails with the command if Debian's proxies are not installed. */
export function expectProxies(): void {
  expect(missingPackages(PROXY_PACKAGES), "Debian's packages that must be installed with apt-get").toEqual([]);
}

const running = new Set<ChildProcess>();

/** Runs a proxy in the foreground until the tests of the file are done, and waits for its port. */
export async function startProxy(
  program: string,
  args: readonly string[],
  port: number,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (bytes) => {
      output += bytes;
    });
  }
  while (!(await accepts(port))) {
    if (child.exitCode !== null) {
      throw new Error(`${program} exited with code ${child.exitCode}:\n${output}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Registers the end of the proxies; call it once per file. */
export function useProxies(): void {
  afterAll(async () => {
    for (const child of running) {
      if (child.exitCode === null) {
        child.kill("SIGTERM");
        await once(child, "exit");
      }
    }
  });
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
