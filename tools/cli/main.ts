/**
 * Entry point of the command line (`npx oms`, scripts/oms.mjs): a client of the public gRPC API.
 */
import { CommanderError } from "commander";
import type { GlobalOptions } from "./args.ts";
import { describeFailure, ExitCode } from "./failures.ts";
import { createProgram } from "./program.ts";

// The reader of a pipe may close it early: `oms parked … | head`.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") {
    throw error;
  }
  process.exit();
});
// End together with the parent process (scripts/oms.mjs).
if (process.connected) {
  process.once("disconnect", () => process.exit(128 + 15));
  process.channel?.unref();
}

const program = createProgram();
try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has printed the error. Help printed in place of a command is a usage error.
    const requested = error.code === "commander.helpDisplayed" || error.code === "commander.version";
    process.exitCode = requested ? ExitCode.OK : ExitCode.USAGE;
  } else {
    const { json, server } = program.opts<GlobalOptions>();
    const { exitCode, code, message } = describeFailure(error, server);
    process.stderr.write(`${json ? JSON.stringify({ error: { code, message } }) : message}\n`);
    // Exit at once: a connection that failed may report further errors.
    process.exit(exitCode);
  }
}
