import { Command, Option } from "commander";
import { parseFile, parseServer } from "./args.ts";
import { addActions } from "./commands/actions.ts";
import { addDiscard } from "./commands/discard.ts";
import { addEventsTail } from "./commands/events-tail.ts";
import { addFlowRetry } from "./commands/flow-retry.ts";
import { addFlows } from "./commands/flows.ts";
import { addInterventions } from "./commands/interventions.ts";
import { addOrderActions } from "./commands/order-actions.ts";
import { addOrderExplain } from "./commands/order-explain.ts";
import { addOrderHistory } from "./commands/order-history.ts";
import { addOrderWatch } from "./commands/order-watch.ts";
import { addParked } from "./commands/parked.ts";
import { addPause } from "./commands/pause.ts";
import { addReplay } from "./commands/replay.ts";
import { addResume } from "./commands/resume.ts";
import { addRetry } from "./commands/retry.ts";
import { addShadow } from "./commands/shadow.ts";
import { addStates } from "./commands/states.ts";
import { examples } from "./examples.ts";

/** The commands, in the order in which help lists them. */
export function createProgram(): Command {
  const program = new Command("oms")
    .description("Looks after the order-status service: where orders stand, what its Actions do, what to try again.")
    .addOption(
      new Option("--server <host:port>", "the service's gRPC address; also OMS_SERVER")
        .default(process.env.OMS_SERVER || `127.0.0.1:${process.env.OMS_GRPC_PORT || 50051}`)
        .argParser(parseServer),
    )
    .addOption(
      new Option("--tls-ca <file>", "the CA that vouches for the service, PEM; it is called over TLS then")
        .env("OMS_SERVER_CA_FILE")
        .argParser(parseFile),
    )
    .addOption(
      new Option("--client-cert <file>", "your certificate, PEM, where the service asks for one")
        .env("OMS_CLIENT_CERT_FILE")
        .argParser(parseFile),
    )
    .addOption(
      new Option("--client-key <file>", "the key of your certificate, PEM")
        .env("OMS_CLIENT_KEY_FILE")
        .argParser(parseFile),
    )
    .option("--json", "for scripts: JSON in place of tables, and of the service's errors")
    .helpOption("-h, --help", "what a command does, with examples")
    .helpCommand("help [command]", "the same as --help")
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError("The same command with --help says how it is used.")
    .exitOverride();
  examples(program, ["oms order explain 171203044", "oms actions", "oms parked settlement-push --since 2h"]);
  program.addHelpText(
    "after",
    "\nWhere callers prove who they are, OMS_TOKEN holds your bearer token.\n\nExit codes: 0 fine, 1 the service said no, 2 wrong usage, 3 out of reach, 130 stopped by Ctrl-C",
  );

  const order = program.command("order").description("one order");
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
  addFlowRetry(program.command("flow").description("the flow that brings one order to the warehouse"));

  addEventsTail(program.command("events").description("what other systems hear"));
  addShadow(program);
  addStates(program);
  return program;
}
