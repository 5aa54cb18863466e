import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type SubmitOrderInput, submitOrder } from "../../../src/application/fulfilment/submit-order.ts";
import { CONTEXT, useOperations, useStore } from "./fixture.ts";
import { goldenCommit, recordStatements } from "./golden-sql.ts";

const { db, prefix } = useStore();
const { operations } = useOperations(db);

const FILE = join(import.meta.dirname, "golden", "submit-order.sql");

const INPUT: SubmitOrderInput = {
  orderId: 0n,
  rootParentId: 0n,
  orderSource: 1000,
  orderType: 1,
  lines: [
    { skuId: 7n, quantity: 1, warehouseId: 1n },
    { skuId: 7n, quantity: 2, warehouseId: 2n },
  ],
  rechargeAccount: "",
  invoice: { title: "Li's shop", content: "", taxPayerCode: "", email: "li@example.com" },
  requestId: "",
  operator: "li",
};

test("the exact SQL of one SubmitOrder", async () => {
  const existed = existsSync(FILE);
  // Opens the committer's connection, which has statements of its own.
  await submitOrder(operations, INPUT, CONTEXT);
  const take = recordStatements();

  const { orderId } = await submitOrder(operations, { ...INPUT, requestId: "submit-1" }, CONTEXT);

  await expect(goldenCommit(take(), prefix, orderId)).toMatchFileSnapshot(FILE);
  // A missing file is written, except in CI, and fails the first run everywhere.
  expect(existed, `${FILE} exists`).toBe(true);
});
