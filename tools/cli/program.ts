import { Command, Option } from "commander";
import { examples, parseFile, parseServer } from "./args.ts";
import { addActions } from "./commands/actions.ts";
import { addDiscard } from "./commands/discard.ts";
import { addEventsTail } from "./commands/events-tail.ts";
import { addFlowRetry, addFlows } from "./commands/flows.ts";
import { addInterventions } from "./commands/interventions.ts";
import { addOrderActions } from "./commands/order-actions.ts";
import { addOrderExplain } from "./commands/order-explain.ts";
import { addOrderHistory } from "./commands/order-history.ts";
import { addOrderWatch } from "./commands/order-watch.ts";
import { addParked } from "./commands/parked.ts";
import { addPause, addResume } from "./commands/pause.ts";
import { addReplay } from "./commands/replay.ts";
import { addRetry } from "./commands/retry.ts";
import { addShadow } from "./commands/shadow.ts";
import { addStates } from "./commands/states.ts";
import { addUrl } from "./commands/url.ts";

/**
 * Builds the commands in the order of the help. Has no side effects; docs/cli.md is generated from
 * it.
 */
export function createProgram(): Command {
  const program = new Command("oms")
    .description("Operates the order-status service: inspect orders and Actions, retry, discard, replay and pause.")
    .addOption(
      new Option("--server <host:port>", "gRPC address of the service; also OMS_SERVER")
        .default(process.env.OMS_SERVER || `127.0.0.1:${process.env.OMS_GRPC_PORT || 50051}`)
        .argParser(parseServer),
    )
    .addOption(
      new Option("--tls-ca <file>", "CA of the service's certificate (PEM); enables TLS")
        .env("OMS_SERVER_CA_FILE")
        .argParser(parseFile),
    )
    .addOption(
      new Option("--client-cert <file>", "client certificate (PEM)").env("OMS_CLIENT_CERT_FILE").argParser(parseFile),
    )
    .addOption(
      new Option("--client-key <file>", "key of the client certificate (PEM)")
        .env("OMS_CLIENT_KEY_FILE")
        .argParser(parseFile),
    )
    .option("--json", "print JSON instead of tables, also for errors of the service")
    .helpOption("-h, --help", "show help and examples")
    .helpCommand("help [command]", "show help and examples of a command")
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError("Run the command with --help for its usage.")
    .exitOverride();
  examples(program, ["oms order explain 171203044", "oms actions", "oms parked settlement-push --since 2h"]);
  program.addHelpText(
    "after",
    "\nIf the service requires authentication, set OMS_TOKEN to a bearer token, or use a client certificate.\n\nExit codes: 0 success, 1 rejected by the service, 2 usage error, 3 server unreachable, 130 interrupted by Ctrl-C",
  );

  const order = program.command("order").description("commands for a single order");
  addOrderExplain(order);
  addOrderHistory(order);
  addOrderActions(order);
  addOrderWatch(order);

  addActions(program);
  addParked(program);
  addRetry(program);
  addDiscard(program);
  addReplay(program);
  addPause(program);
  addResume(program);
  addInterventions(program);

  addFlows(program);
  addFlowRetry(program.command("flow").description("commands for an order's flow from payment to the warehouse"));

  addEventsTail(program.command("events").description("events published to other systems"));
  addShadow(program);
  addStates(program);
  addUrl(program);
  return program;
}
