/** Where a baseline listens: its first line tells whoever started it. */
export interface Ports {
  readonly port: number;
  readonly httpPort?: number;
}

/** Says where the baseline listens, and ends it in order when the process is told to end. */
export function announce(ports: Ports, stop: () => Promise<void>): void {
  process.once("SIGTERM", () => {
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
  console.log(JSON.stringify(ports));
}
