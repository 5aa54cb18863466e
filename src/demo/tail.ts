/** `npm run tail`: prints each event of the running service as it comes, a line each, until Ctrl-C. */
import { connect } from "nats";
import { ConfigError, readConfig } from "../config.ts";
import { describeStatus } from "../domain/state-machine.ts";
import { decodeEvent } from "../stream/codec.ts";
import { DemoError, findAddresses } from "./addresses.ts";

function lineOf(subject: string, data: Uint8Array): string {
  if (subject.startsWith("oms.v1.thirdparty.")) {
    return `${subject}  (${data.length} bytes for the marketplace gateway)`;
  }
  const event = decodeEvent(subject, data);
  const what =
    event.type === "status-changed"
      ? `${describeStatus(event.fromStatus)} → ${describeStatus(event.toStatus)}, told by ${event.caller} (${event.operator})`
      : event.type;
  return `${subject}  order ${event.orderId}  ${what}  id ${event.messageId}`;
}

try {
  const { natsUrl } = findAddresses(readConfig(process.env));
  const client = await connect({ servers: natsUrl, maxReconnectAttempts: -1 });
  process.once("SIGINT", () => void client.close());
  process.stderr.write(`Listening to oms.v1.> at ${natsUrl}; Ctrl-C ends it.\n`);
  for await (const { subject, data } of client.subscribe("oms.v1.>")) {
    process.stdout.write(`${lineOf(subject, data)}\n`);
  }
} catch (error) {
  if (!(error instanceof DemoError) && !(error instanceof ConfigError)) {
    throw error;
  }
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
