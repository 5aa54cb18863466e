import { accessSync, constants, existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Child, type Exit, startChild } from "./child.ts";
import type { Passwords } from "./passwords.ts";
import { makePrivateFolder } from "./private-file.ts";
import { describeFailedStart, describeFileError, StackError } from "./startup-errors.ts";

/** Data directory, port, passwords and durability of a server. */
export interface InstanceOptions {
  /** Absolute path of its data directory. */
  readonly dir: string;
  /** Port on 127.0.0.1. */
  readonly port: number;
  /** Passwords of its users; it adopts changed ones at its next start. */
  readonly passwords: Passwords;
  /**
   * True: acknowledged data survives a power failure, as far as the server supports it. False: it
   * survives a kill only, but the server is faster (tests).
   */
  readonly durable: boolean;
}

/** A kind of server: how to run it. */
export interface ServerKind {
  /** Display name. */
  readonly title: string;
  /** File name of the program. */
  readonly program: string;
  /** Creates the data directory if it is missing, and what the server reads at its start. */
  prepare(place: InstanceOptions, program: string): Promise<void>;
  /**
   * Arguments of the program, which is started in its data directory. Without passwords: every user
   * of the machine can read them.
   */
  args(place: InstanceOptions): readonly string[];
  /** Environment variables, unless already set. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether it accepts requests. */
  ready(place: InstanceOptions): Promise<boolean>;
  /** URL for clients with access to everything. */
  url(port: number, passwords: Passwords): string;
  /** Matches its log if the data directory is damaged. */
  readonly damage: RegExp;
  /** What is lost if its data directory is removed. */
  readonly loss: string;
}

export interface RunOptions extends InstanceOptions {
  /** Path of the program. */
  readonly program: string;
  readonly logFile: string;
  /** Time limit for the start, including crash recovery, in milliseconds. Default: 60,000. */
  readonly readyWithinMs?: number;
  /** Aborts the start. */
  readonly signal?: AbortSignal;
}

const POLL_MS = 15;

function describeExit(exit: Exit): string {
  return exit.signal === null
    ? `exited during startup with code ${exit.code}`
    : `was killed by ${exit.signal} during startup`;
}

async function withFileErrors<T>(dir: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof StackError ? error : describeFileError((error as NodeJS.ErrnoException).path ?? dir, error);
  }
}

/**
 * Starts a server and waits until it accepts requests.
 *
 * @throws StackError
 */
export async function runServer(kind: ServerKind, options: RunOptions): Promise<Child> {
  const { dir, port, logFile, readyWithinMs = 60_000 } = options;
  const failed = (how: string) =>
    describeFailedStart({
      title: kind.title,
      dir,
      port,
      logFile,
      log: readFileSync(logFile, "utf8"),
      how,
      damage: kind.damage,
      loss: kind.loss,
    });
  const child = await withFileErrors(dir, async () => {
    mkdirSync(dirname(dir), { recursive: true, mode: 0o700 });
    if (existsSync(dir)) {
      if (!statSync(dir).isDirectory()) {
        throw describeFileError(dir, { code: "ENOTDIR" });
      }
      accessSync(dir, constants.R_OK | constants.W_OK | constants.X_OK);
    }
    await kind.prepare(options, options.program);
    makePrivateFolder(dir);
    if (dirname(logFile) !== dirname(dir)) {
      makePrivateFolder(dirname(logFile));
    }
    return startChild({ command: options.program, args: kind.args(options), env: kind.env ?? {}, cwd: dir, logFile });
  });
  let ended: Exit | undefined;
  child.exit.then((exit) => {
    ended = exit;
  });
  const until = Date.now() + readyWithinMs;
  while (ended === undefined && Date.now() < until && options.signal?.aborted !== true) {
    if (await kind.ready(options)) {
      return child;
    }
    await Promise.race([child.exit, sleep(POLL_MS)]);
  }
  if (ended === undefined) {
    await child.kill("SIGKILL");
    options.signal?.throwIfAborted();
    throw failed(`did not answer within ${readyWithinMs / 1000} s`);
  }
  throw failed(describeExit(ended));
}
