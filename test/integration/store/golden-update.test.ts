import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { updateOrderStatus } from "../../../src/application/orders/update-order-status.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { CAUSE, CONTEXT, insertOrder, report, useOperations, useStore } from "./fixture.ts";
import { goldenCommit, recordStatements } from "./golden-sql.ts";

const { db, prefix } = useStore();
const { operations } = useOperations(db);

const FILE = join(import.meta.dirname, "golden", "update-order-status.sql");
const OCCUR_TIME = new Date("2026-03-01T08:00:00.123Z");

test("the exact SQL of one UpdateOrderStatus", async () => {
  const existed = existsSync(FILE);
  // Opens the committer's connection, which has statements of its own.
  await updateOrderStatus(operations, report(await insertOrder(db), Status.PAID), CONTEXT);
  const orderId = await insertOrder(db);
  const take = recordStatements();

  const paid = report(orderId, Status.PAID, {
    requestId: "pay-1",
    remark: "paid in full",
    occurTime: OCCUR_TIME,
    cause: CAUSE,
  });
  expect(await updateOrderStatus(operations, paid, CONTEXT)).toMatchObject({ outcome: "applied", version: 1 });

  await expect(goldenCommit(take(), prefix, orderId)).toMatchFileSnapshot(FILE);
  // A missing file is written, except in CI, and fails the first run everywhere.
  expect(existed, `${FILE} exists`).toBe(true);
});
