import { expect, test } from "vitest";
import { callFaults, unknownNames } from "../../../scripts/docs/contract-names.ts";
import { anchorsOf, codeBlocks, withoutCodeBlocks } from "../../../scripts/docs/markdown.ts";
import { shellCommands } from "../../../scripts/docs/shell.ts";

const commandsOf = (block: string) => shellCommands(block).map(({ words }) => words);

test("code blocks have a language, a line and no indentation", () => {
  const text = ["text", "- item", "  ```sh", "  npm start", "  ```", "```", "picture", "```"].join("\n");
  expect(codeBlocks(text)).toEqual([
    { language: "sh", line: 3, code: "npm start" },
    { language: "", line: 6, code: "picture" },
  ]);
  expect(withoutCodeBlocks(text).split("\n")).toHaveLength(8);
});

test("headings become the anchors of GitHub", () => {
  const text =
    "# A page\n\n## `OMS_ROLE`\n\n## Two words, one comma\n\n## Again\n\n## Again\n\n```sh\n# not a heading\n```";
  expect([...anchorsOf(text)]).toEqual(["a-page", "oms_role", "two-words-one-comma", "again", "again-1"]);
});

test("shell blocks are split into commands", () => {
  const block = [
    "# comment",
    "A=1 npm start   # why",
    "curl -d '{\"a\": 1}' \\",
    "  http://host/path?x=1 | jq",
    "X=1",
  ].join("\n");
  expect(commandsOf(block)).toEqual([
    ["npm", "start"],
    ["curl", "-d", '{"a": 1}', "http://host/path?x=1"],
  ]);
});

const RPC = "oms.orderstatus.v1.OrderStatusService/GetOrderStatus";

test.each([
  [["-d", '{"order_id": "1"}', "localhost:50051", RPC]],
  [["-d", '{"orderId": "1"}', `http://localhost:8080/${RPC}`]],
  [["-G", `http://localhost:8080/${RPC}`, "-d", "connect=v1", "--data-urlencode", 'message={"orderId": "1"}']],
  [["http://localhost:8080/services/orderStatus/getOrderStatus?orderId=1"]],
])("%j is a valid call", (words) => {
  expect(callFaults(words)).toEqual([]);
});

test.each([
  [["-d", '{"order": "1"}', `http://localhost:8080/${RPC}`], 'key "order" is unknown'],
  [["localhost:50051", `${RPC}es`], "is not an RPC"],
  [["http://localhost:8080/services/orderStatus/getStatus"], "is not a legacy endpoint"],
])("%j is not", (words, expected) => {
  expect(callFaults(words).join()).toContain(expected);
});

test("names of other languages are compared with the contract", () => {
  expect(
    unknownNames(`
      OrderStatusServiceGrpc.newBlockingStub(channel); UpdateOrderStatusRequest.newBuilder();
      orderstatusv1.NewOrderStatusServiceClient(conn).UpdateOrderStatus(ctx); OrderStatus_ORDER_STATUS_PAID`),
  ).toEqual([]);
  expect(unknownNames("OrderServiceGrpc; UpdateStatusRequest; ORDER_STATUS_GONE; orders.update(1)")).toEqual([
    "UpdateStatusRequest",
    "OrderServiceGrpc",
    "ORDER_STATUS_GONE",
    "update",
  ]);
});
