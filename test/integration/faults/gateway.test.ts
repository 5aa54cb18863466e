import { create, toBinary } from "@bufbuild/protobuf";
import { connect, headers } from "nats";
import { expect, test } from "vitest";
import { openGateway } from "../../../faults/workload/gateway.ts";
import { ThirdPartyNotificationSchema } from "../../../gen/oms/events/v1/events_pb.ts";
import { brokerOptions } from "../../../src/messaging/nats/broker.ts";
import { eventually } from "../../support/eventually.ts";
import { useNats } from "../../support/servers.ts";

const nats = useNats();

test("the gateway receives each message once, live or from the stream, and marks live ones", async () => {
  const client = await connect(brokerOptions({ url: nats.url }));
  const manager = await client.jetstreamManager();
  await manager.streams.add({ name: "OMS_EVENTS", subjects: ["oms.v1.>"] });
  const publish = async (version: number) => {
    const messageId = `7-${version}`;
    const body = toBinary(
      ThirdPartyNotificationSchema,
      create(ThirdPartyNotificationSchema, { messageId, orderId: 7n }),
    );
    const header = headers();
    header.set("Nats-Msg-Id", `${messageId}:shipped`);
    await client.jetstream().publish("oms.v1.thirdparty.2001.shipped", body, { headers: header });
  };
  await publish(1);

  const gateway = await openGateway(nats.url);
  const received = () =>
    (gateway.log.byOrder.get("7") ?? []).map(({ messageId, sequence }) => [messageId, sequence !== undefined]);
  await eventually(async () => {
    await publish(2);
    expect(received()).toContainEqual(["7-2", true]);
  });
  await publish(3);
  await publish(3);
  await eventually(() => expect(gateway.log.repeats).toBeGreaterThan(0));
  await gateway.catchUp();
  expect(received()).toEqual([
    ["7-2", true],
    ["7-3", true],
    ["7-1", false],
  ]);
  await gateway.close();
  await client.close();
});
