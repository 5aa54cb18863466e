import { Argument, type Command } from "commander";
import { examples } from "../args.ts";
import { UnreachableError } from "../failures.ts";
import { print } from "../terminal.ts";

const SERVERS = ["mysql", "redis", "nats"] as const;

/** `oms url SERVER`: how other clients connect to the embedded servers. */
export function addUrl(program: Command): void {
  const command = program
    .command("url")
    .description("print the URL of an embedded server of npm start, with the password of its administrator")
    .addArgument(new Argument("<server>", "the server").choices(SERVERS));
  examples(command, [
    "oms url mysql",
    'nats -s "$(oms url nats)" stream view OMS_EVENTS',
    'redis-cli -u "$(oms url redis)" info',
  ]);
  command.action(async (server: (typeof SERVERS)[number]) => {
    const { findEmbeddedServers } = await import("../embedded.ts");
    const url = findEmbeddedServers(process.env)[`${server}Url`];
    if (url === undefined) {
      throw new UnreachableError(
        `No embedded server for ${server} of this user is running. Start the service with npm start, without OMS_${server.toUpperCase()}_URL.`,
      );
    }
    print(url);
  });
}
