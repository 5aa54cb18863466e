import { createRegistry, fromBinary, type JsonValue, toJson } from "@bufbuild/protobuf";
import type { Command } from "commander";
import type { Msg } from "nats";
import { file_oms_events_v1_events } from "../../../gen/oms/events/v1/events_pb.ts";
import { describeOperator } from "../../../src/domain/operator.ts";
import { decodeEvent, UndecodableEventError } from "../../../src/messaging/nats/codec.ts";
import { examples, type GlobalOptions } from "../args.ts";
import { clean, describeTransition } from "../format.ts";
import { print, printNote, untilInterrupted } from "../terminal.ts";

/** Matches all events of the service. */
const ALL_SUBJECTS = "oms.v1.>";

const registry = createRegistry(file_oms_events_v1_events);

/** An event as one line of text. */
function lineOf({ subject, data }: Msg): string {
  try {
    const event = decodeEvent(subject, data);
    const what =
      event.type === "status-changed"
        ? `${describeTransition(event.fromStatus, event.toStatus)}, reported by ${event.caller} (${describeOperator(event)})`
        : event.type;
    return clean(`${subject}  order ${event.orderId}  ${what}  id ${event.messageId}`);
  } catch (error) {
    if (error instanceof UndecodableEventError) {
      // A notification to the marketplace gateway, or an event of a later version.
      return clean(`${subject}  (${data.length} bytes)`);
    }
    throw error;
  }
}

/** An event as one line of JSON (protobuf JSON); null if this version does not know its type. */
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
  // Loads the NATS client only when needed: other commands start faster.
  const { connectToBroker } = await import("../broker.ts");
  const connection = await connectToBroker(nats);
  untilInterrupted().addEventListener("abort", () => void connection.close());
  const subscriptions = subjects.map((subject) => connection.subscribe(subject));
  await connection.flush();
  printNote(`Subscribed to ${subjects.join(", ")} at ${connection.getServer()}. Press Ctrl-C to stop.`);
  await Promise.all(
    subscriptions.map(async (messages) => {
      for await (const message of messages) {
        print(json ? jsonOf(message) : lineOf(message));
      }
    }),
  );
}

/** `oms events tail`: prints events as they are published. */
export function addEventsTail(events: Command): void {
  const command = events
    .command("tail")
    .description("print events as the service publishes them to NATS, until Ctrl-C")
    .option("--subject <subject...>", "subjects to subscribe to; * matches one token, > the rest", [ALL_SUBJECTS])
    .option("--nats <url>", "URL of NATS; default: OMS_NATS_URL, else the embedded server");
  examples(command, [
    "oms events tail",
    "oms events tail --subject 'oms.v1.order.status.6010' 'oms.v1.cancel.>'",
    "oms events tail --json | jq -c .event",
  ]);
  command.action((options: Options) => tail(options, command.optsWithGlobals<GlobalOptions>().json === true));
}
