import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import { Status } from "../../../src/domain/state-machine.ts";
import { PYTHON } from "../../support/foreign-clients.ts";
import { insertOrder } from "../../support/orders.ts";
import { useService } from "../../support/service.ts";

const run = promisify(execFile);
const harness = useService();
const SERVICE = "oms.orderstatus.v1.OrderStatusService";
const BUF = join(import.meta.dirname, "../../../node_modules/.bin/buf");

let orderId = 0n;

beforeAll(async () => {
  orderId = await insertOrder(harness.db, Status.CREATED);
});

const orderStatus = (text: string) => JSON.parse(text).orderStatus;

describe("buf curl, by server reflection", () => {
  test.each([
    ["grpc", () => harness.service.grpcPort],
    ["grpcweb", () => harness.service.httpPort],
    ["connect", () => harness.service.httpPort],
  ])("%s", async (protocol, port) => {
    const order = await insertOrder(harness.db, Status.CREATED);
    const call = async (rpc: string, request: object) => {
      const { stdout } = await run(
        BUF,
        [
          "curl",
          "--protocol",
          protocol,
          "--data",
          JSON.stringify(request),
          `http://127.0.0.1:${port()}/${SERVICE}/${rpc}`,
        ],
        // Outside the repository, whose proto files it would use otherwise.
        { cwd: "/" },
      );
      return stdout;
    };

    const get = { order_id: String(order) };
    expect(orderStatus(await call("GetOrderStatus", get))).toBe("ORDER_STATUS_CREATED");
    const update = { ...get, status: "ORDER_STATUS_PAID", operator: "buf" };
    expect(JSON.parse(await call("UpdateOrderStatus", update))).toEqual({
      outcome: "OUTCOME_APPLIED",
      orderId: String(order),
      orderStatus: "ORDER_STATUS_PAID",
      version: "1",
      messageId: `${order}-1`,
    });
    expect(orderStatus(await call("GetOrderStatus", get))).toBe("ORDER_STATUS_PAID");
  });

  test("health, which is part of reflection at the gRPC port", async () => {
    const url = `http://127.0.0.1:${harness.service.grpcPort}`;
    const flags = ["curl", "--protocol", "grpc", "--http2-prior-knowledge"];
    const { stdout: services } = await run(BUF, [...flags, "--list-services", url], { cwd: "/" });
    expect(services.split("\n")).toContain("grpc.health.v1.Health");
    const { stdout: status } = await run(BUF, [...flags, "-d", "{}", `${url}/grpc.health.v1.Health/Check`], {
      cwd: "/",
    });
    expect(JSON.parse(status)).toEqual({ status: "SERVING" });
  });

  test("without --protocol and other flags", async () => {
    const { stdout } = await run(
      BUF,
      [
        "curl",
        "-d",
        `{"orderId": ${orderId}}`,
        `http://127.0.0.1:${harness.service.httpPort}/${SERVICE}/GetOrderStatus`,
      ],
      { cwd: "/" },
    );
    expect(orderStatus(stdout)).toBe("ORDER_STATUS_CREATED");
  });

  test.each(["grpc-v1", "grpc-v1alpha"])("by reflection of %s", async (version) => {
    const { stdout } = await run(
      BUF,
      [
        ...["curl", "--protocol", "grpc", "--reflect-protocol", version, "-d", `{"orderId": ${orderId}}`],
        `http://127.0.0.1:${harness.service.grpcPort}/${SERVICE}/GetOrderStatus`,
      ],
      { cwd: "/" },
    );
    expect(orderStatus(stdout)).toBe("ORDER_STATUS_CREATED");
  });

  test("lists the services", async () => {
    const { stdout } = await run(
      BUF,
      ["curl", "--protocol", "grpc", "--list-services", `http://127.0.0.1:${harness.service.grpcPort}`],
      { cwd: "/" },
    );
    expect(stdout.trim().split("\n")).toEqual([
      "grpc.health.v1.Health",
      "oms.fulfilment.v1.FulfilmentService",
      "oms.operations.v1.ActionService",
      "oms.operations.v1.ShadowService",
      SERVICE,
      "oms.reversal.v1.OrderReversalService",
    ]);
  });
});

test("a Python program with Debian's grpcio", async () => {
  await run(PYTHON, ["-c", "import grpc, google.protobuf"]).catch((error: unknown) => {
    throw new Error(`Debian's packages python3-grpcio and python3-protobuf are needed: apt-get install them\n${error}`);
  });
  const order = await insertOrder(harness.db, Status.CREATED);
  const script = join(import.meta.dirname, "clients/order_status.py");

  const { stdout } = await run(PYTHON, [script, `127.0.0.1:${harness.service.grpcPort}`, String(order)]);

  const answers = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(answers).toEqual([
    { orderId: String(order), orderStatus: "ORDER_STATUS_CREATED", updateTime: expect.any(String) },
    {
      outcome: "OUTCOME_APPLIED",
      orderId: String(order),
      orderStatus: "ORDER_STATUS_PAID",
      version: "1",
      messageId: `${order}-1`,
    },
    { code: "FAILED_PRECONDITION", message: `order ${order}: no way leads from PAID (1010) to WMS_ACCEPTED (3010)` },
    { orderId: String(order), orderStatus: "ORDER_STATUS_PAID", version: "1", updateTime: expect.any(String) },
  ]);
});

describe("curl", () => {
  const url = (rpc: string) => `http://127.0.0.1:${harness.service.httpPort}/${SERVICE}/${rpc}`;
  const curl = async (...args: string[]) => JSON.parse((await run("curl", ["-sS", ...args])).stdout);

  test("JSON with POST", async () => {
    const order = await insertOrder(harness.db, Status.CREATED);
    const body = JSON.stringify({ orderId: String(order), status: "ORDER_STATUS_PAID", operator: "curl" });

    expect(await curl("--json", body, url("UpdateOrderStatus"))).toMatchObject({ outcome: "OUTCOME_APPLIED" });
    expect(await curl("--json", `{"orderId": "${order}"}`, url("GetOrderStatus"))).toMatchObject({
      orderStatus: "ORDER_STATUS_PAID",
    });
    // ProtoJSON: accepts proto field names, and numbers for int64.
    expect(await curl("--json", `{"order_id": ${order}}`, url("GetOrderStatus"))).toMatchObject({ version: "1" });
  });

  test("JSON with GET", async () => {
    const query = ["--data-urlencode", "encoding=json", "--data-urlencode", `message={"orderId": "${orderId}"}`];

    expect(await curl("--get", ...query, url("GetOrderStatus"))).toMatchObject({
      orderStatus: "ORDER_STATUS_CREATED",
    });
  });

  test("over HTTP/2", async () => {
    expect(
      await curl("--http2-prior-knowledge", "--json", `{"orderId": "${orderId}"}`, url("GetOrderStatus")),
    ).toMatchObject({ orderStatus: "ORDER_STATUS_CREATED" });
  });
});
