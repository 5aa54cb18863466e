import { accessSync, constants, existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Child, type Exit, startChild } from "./child.ts";
import { describeFailedStart, describeFileError, StackError } from "./startup-errors.ts";

/** Where a server has its data and what it promises for them. */
export interface InstanceOptions {
  /** Its data directory: absolute, and its own alone. */
  readonly dir: string;
  /** The port of 127.0.0.1 that it listens on. */
  readonly port: number;
  /** True: what it acknowledged outlives a power cut as far as it can do that. False: a kill of the server only, and quicker (tests). */
  readonly durable: boolean;
}

/** One of the servers that we can run: what is special about it. */
export interface ServerKind {
  /** Its name as people know it. */
  readonly title: string;
  /** The program's file name. */
  readonly program: string;
  /** Makes the data directory where there is none yet. */
  prepare(place: InstanceOptions, program: string): Promise<void>;
  /** The program's arguments. It is started within its data directory. */
  args(place: InstanceOptions): readonly string[];
  /** Variables for its environment, where they are not set already. */
  readonly env?: Readonly<Record<string, string>>;
  /** True once it takes requests. */
  ready(port: number): Promise<boolean>;
  url(port: number): string;
  /** What its log says when its data directory is damaged. */
  readonly damage: RegExp;
  /** What is lost when its data directory is removed, for the person who has to decide that. */
  readonly loss: string;
}

export interface RunOptions extends InstanceOptions {
  /** The program's path. */
  readonly program: string;
  readonly logFile: string;
  /** How long it may take to be ready (a recovery after a kill counts); 60 s unless told. */
  readonly readyWithinMs?: number;
  /** Gives the start up. */
  readonly signal?: AbortSignal;
}

const ASK_AGAIN_MS = 15;

function howItEnded(exit: Exit): string {
  return exit.signal === null
    ? `ended at its start with exit code ${exit.code}`
    : `was ended by ${exit.signal} at its start`;
}

async function explainFileErrors<T>(dir: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof StackError ? error : describeFileError((error as NodeJS.ErrnoException).path ?? dir, error);
  }
}

/**
 * Starts one server and waits until it takes requests.
 *
 * @throws StackError which says what is wrong and what to do
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
  const child = await explainFileErrors(dir, async () => {
    mkdirSync(dirname(dir), { recursive: true });
    if (existsSync(dir)) {
      if (!statSync(dir).isDirectory()) {
        throw describeFileError(dir, { code: "ENOTDIR" });
      }
      accessSync(dir, constants.R_OK | constants.W_OK | constants.X_OK);
    }
    await kind.prepare(options, options.program);
    mkdirSync(dirname(logFile), { recursive: true });
    return startChild({ command: options.program, args: kind.args(options), env: kind.env ?? {}, cwd: dir, logFile });
  });
  let ended: Exit | undefined;
  child.exit.then((exit) => {
    ended = exit;
  });
  const until = Date.now() + readyWithinMs;
  while (ended === undefined && Date.now() < until && options.signal?.aborted !== true) {
    if (await kind.ready(port)) {
      return child;
    }
    await Promise.race([child.exit, sleep(ASK_AGAIN_MS)]);
  }
  if (ended === undefined) {
    await child.kill("SIGKILL");
    options.signal?.throwIfAborted();
    throw failed(`did not answer within ${readyWithinMs / 1000} s`);
  }
  throw failed(howItEnded(ended));
}
