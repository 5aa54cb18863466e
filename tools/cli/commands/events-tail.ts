import { createRegistry, fromBinary, type JsonValue, toJson } from "@bufbuild/protobuf";
import type { Command } from "commander";
import type { Msg } from "nats";
import { file_oms_events_v1_events } from "../../../gen/oms/events/v1/events_pb.ts";
import { decodeEvent, UndecodableEventError } from "../../../src/messaging/nats/codec.ts";
import type { GlobalOptions } from "../args.ts";
import { examples } from "../examples.ts";
import { clean, describeTransition } from "../format.ts";
import { untilInterrupted } from "../interrupt.ts";
import { print, printNote } from "../terminal.ts";

/** All subjects of the service's events. */
const EVERYTHING = "oms.v1.>";

const registry = createRegistry(file_oms_events_v1_events);

/** For people: one line. */
function lineOf({ subject, data }: Msg): string {
  try {
    const event = decodeEvent(subject, data);
    const what =
      event.type === "status-changed"
        ? `${describeTransition(event.fromStatus, event.toStatus)}, reported by ${event.caller} (${event.operator})`
        : event.type;
    return clean(`${subject}  order ${event.orderId}  ${what}  id ${event.messageId}`);
  } catch (error) {
    if (error instanceof UndecodableEventError) {
      // Of the marketplace gateway, or of a later version.
      return clean(`${subject}  (${data.length} bytes)`);
    }
    throw error;
  }
}

/** For scripts: the event in protobuf's JSON; null where this version does not know its type. */
function jsonOf({ subject, data, headers }: Msg): string {
  const type = headers?.get("ce-type") ?? "";
  const schema = registry.getMessage(type);
  const event: JsonValue =
    schema === undefined ? null : toJson(schema, fromBinary(schema, data), { registry, alwaysEmitImplicit: true });
  return JSON.stringify({ subject, messageId: headers?.get("ce-id") ?? "", type, event });
}

interface Options {
  readonly subject: readonly string[];
  readonly nats?: string;
}

async function tail({ subject: subjects, nats }: Options, json: boolean): Promise<void> {
  // The broker's client is loaded by whoever needs it alone: the other commands answer sooner.
  const { connectToBroker } = await import("../broker.ts");
  const connection = await connectToBroker(nats);
  untilInterrupted().addEventListener("abort", () => void connection.close());
  const subscriptions = subjects.map((subject) => connection.subscribe(subject));
  await connection.flush();
  printNote(`Listening to ${subjects.join(", ")} at ${connection.getServer()}; Ctrl-C ends it.`);
  await Promise.all(
    subscriptions.map(async (messages) => {
      for await (const message of messages) {
        print(json ? jsonOf(message) : lineOf(message));
      }
    }),
  );
}

/** `oms events tail`: each event as it comes. */
export function addEventsTail(events: Command): void {
  const command = events
    .command("tail")
    .description("each event of the running service as it comes, until Ctrl-C; straight from its broker")
    .option("--subject <subject...>", "only these; * stands for one part, > for the rest", [EVERYTHING])
    .option("--nats <url>", "the broker; else OMS_NATS_URL, else the embedded one");
  examples(command, [
    "oms events tail",
    "oms events tail --subject 'oms.v1.order.status.6010' 'oms.v1.cancel.>'",
    "oms events tail --json | jq -c .event",
  ]);
  command.action((options: Options) => tail(options, command.optsWithGlobals<GlobalOptions>().json === true));
}
