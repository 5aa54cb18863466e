import { describe, expect, test } from "vitest";
import { Status } from "../../../src/domain/state-machine.ts";
import { readOrdersOfSources } from "../../../src/store/reads/order-scope.ts";
import { change, insertOrder, pause, report, rowsOf, useOperations, useStore } from "./fixture.ts";

// A call asks which orders it may see before it gets here. These checks are those of the read that
// locks the order, in case its source has changed since.

const { db } = useStore();
const { committer } = useOperations(db);
const orderScope = new Set([2001]);

describe("the group committer", () => {
  test("does not find an order outside the scope of the call; others in the same batch are changed", async () => {
    const [own, foreign, withoutSource] = [
      await insertOrder(db, { orderSource: 2001 }),
      await insertOrder(db),
      await insertOrder(db, { orderSource: 0 }),
    ];
    const results = await Promise.all([
      committer.report(report(foreign, Status.PAID), { orderScope }),
      committer.pause(pause(foreign, true), { orderScope }),
      committer.report(report(withoutSource, Status.PAID), { orderScope }),
      committer.report(report(own, Status.PAID), { orderScope }),
      committer.pause(pause(own, true), { orderScope }),
      committer.report(report(foreign, Status.PAID)),
    ]);
    expect(results.map(({ kind }) => kind)).toEqual([
      "not-found",
      "not-found",
      "not-found",
      "accepted",
      "paused",
      "accepted",
    ]);
    expect(await rowsOf(db, "oms_db.oms_status_history", foreign)).toHaveLength(1);
    expect(await rowsOf(db, "oms_db.oms_status_history", withoutSource)).toEqual([]);
  });

  test("does not return the stored answer to a request id for an order that left the scope", async () => {
    const orderId = await insertOrder(db, { orderSource: 2001 });
    const request = report(orderId, Status.PAID, { requestId: "r-1", requestNamespace: "meituan" });
    expect(await committer.report(request, { orderScope })).toMatchObject({ kind: "accepted", outcome: "applied" });
    await db.updateTable("oms_db.oms_order_main").set({ order_source: 1000 }).where("order_id", "=", orderId).execute();
    expect(await committer.report(request, { orderScope })).toEqual({ kind: "not-found" });
  });

  test("hides orders outside the scope from the decision of a change", async () => {
    const [own, foreign] = [await insertOrder(db, { orderSource: 2001 }), await insertOrder(db)];
    const seen = (orderScope: ReadonlySet<number> | undefined) =>
      committer.change(
        change(foreign, {
          otherOrderIds: [own],
          decide: ({ order, orders }) => ({
            result: [order?.orderId, orders.map(({ orderId }) => orderId)],
            events: [],
          }),
        }),
        { orderScope },
      );
    expect(await seen(orderScope)).toEqual({ kind: "decided", result: [undefined, [own]] });
    expect(await seen(undefined)).toEqual({ kind: "decided", result: [foreign, [foreign, own]] });
  });
});

test("readOrdersOfSources reads the orders of the sources, also of several", async () => {
  const [first, second, third] = [
    await insertOrder(db, { orderSource: 2001 }),
    await insertOrder(db, { orderSource: 2002 }),
    await insertOrder(db),
  ];
  expect(await readOrdersOfSources(db, [first, second, third, 4n], new Set([2001, 2002]))).toEqual(
    new Set([first, second]),
  );
  expect(await readOrdersOfSources(db, [], orderScope)).toEqual(new Set());
});
