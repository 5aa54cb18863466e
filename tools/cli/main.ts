/** The command line, `npx oms` (scripts/oms.mjs): asks the service over its public gRPC API. */
import { CommanderError } from "commander";
import type { GlobalOptions } from "./args.ts";
import { describeFailure, ExitCode } from "./failures.ts";
import { createProgram } from "./program.ts";

// Whoever reads us may have seen enough: `oms parked … | head`.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") {
    throw error;
  }
  process.exit();
});
// A starter that dies without a word (scripts/oms.mjs) takes us along.
if (process.connected) {
  process.once("disconnect", () => process.exit(128 + 15));
  process.channel?.unref();
}

const program = createProgram();
try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // It has said what it had to say. Asked-for help is no failure; help in place of a command is.
    const asked = error.code === "commander.helpDisplayed" || error.code === "commander.version";
    process.exitCode = asked ? ExitCode.OK : ExitCode.USAGE;
  } else {
    const { exitCode, code, message } = describeFailure(error, program.opts<GlobalOptions>().server);
    const text = program.opts<GlobalOptions>().json ? JSON.stringify({ error: { code, message } }) : message;
    process.stderr.write(`${text}\n`);
    // Exit at once: a connection that failed may report further errors.
    process.exit(exitCode);
  }
}
