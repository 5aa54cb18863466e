/** Number of seeds: a seed has 32 bits. */
export const SEEDS = 2 ** 32;

/**
 * An integer given on the command line; undefined when the option is absent.
 *
 * @throws Error naming the option and the permitted range
 */
export function integerOption(name: string, text: string | undefined, from: number, to: number): number | undefined {
  if (text === undefined) {
    return undefined;
  }
  const value = Number(text);
  if (text.trim() === "" || !Number.isInteger(value) || value < from || value > to) {
    throw new Error(`--${name} must be an integer from ${from} to ${to}, got ${JSON.stringify(text)}`);
  }
  return value;
}

/** The program's options. Prints `usage` and exits with 0 on --help, with 2 on an error. */
export function optionsOrExit<Options>(usage: string, read: (args: readonly string[]) => Options): Options {
  const args = process.argv.slice(2);
  if (args.includes("--help")) {
    process.stdout.write(`${usage}\n`);
    process.exit(0);
  }
  try {
    return read(args);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${usage}\n`);
    process.exit(2);
  }
}

/**
 * Removes the service's variables from this process's environment, so that they do not reach
 * services under test.
 */
export function clearServiceVariables(): void {
  for (const name of Object.keys(process.env).filter((name) => name.startsWith("OMS_"))) {
    delete process.env[name];
  }
}
