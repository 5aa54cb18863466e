import { once } from "node:events";
import { connect } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { useService } from "../../support/service.ts";

const harness = useService();
const REQUEST =
  "POST /oms.orderstatus.v1.OrderStatusService/GetOrderStatus HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";

async function open() {
  const socket = connect(harness.service.httpPort, "127.0.0.1");
  socket.on("error", () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  let received = "";
  socket.on("data", (bytes: Buffer) => {
    received += bytes.toString();
  });
  return { socket, answers: () => received.split("HTTP/1.1 400").length - 1 };
}

test("a few pipelined requests are answered in order", async () => {
  const { socket, answers } = await open();
  socket.write(REQUEST.repeat(4));
  await eventually(() => expect(answers()).toBe(4));
});

test("a connection that sends many without waiting is closed; another is served", async () => {
  const { socket } = await open();
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.write(REQUEST.repeat(500));
  await closed;
  const other = await open();
  other.socket.write(REQUEST);
  // After the delay of an address that floods.
  await eventually(() => expect(other.answers()).toBe(1));
});
