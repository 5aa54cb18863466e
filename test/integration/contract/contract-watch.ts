import { describe, expect, test } from "vitest";
import { OrderStatus } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { eventually } from "../../support/eventually.ts";
import { failure, failureOf, plain } from "../../support/failures.ts";
import { insertOrder, nextOrderId } from "../../support/orders.ts";
import { startWatcher } from "../../support/watcher.ts";
import type { ContractApi } from "./api.ts";

const operator = "qian";

/** WatchOrderStatus. */
export function watchTests(api: ContractApi): void {
  const report = (orderId: bigint, ...states: OrderStatus[]) =>
    api.client.batchUpdateOrderStatus({ updates: states.map((status) => ({ orderId, status, operator })) });
  const watch = (request: Parameters<typeof startWatcher>[1]) => startWatcher(api.client, request);
  const endOf = async (request: Parameters<typeof startWatcher>[1]) => failureOf(await watch(request).ended);

  describe("WatchOrderStatus", () => {
    test("a snapshot of each order, then every change in version order", async () => {
      const [first, second] = [await insertOrder(api.db, Status.CREATED), await insertOrder(api.db, Status.PAID)];
      await report(second, OrderStatus.APPROVED);
      const watcher = watch({ orderIds: [first, second, first] });
      await watcher.expectUpdates([`${first} at 0: 1000`, `${second} at 1: 1020`]);

      await report(first, OrderStatus.PAID, OrderStatus.APPROVED);
      await watcher.expectUpdates([
        `${first} at 0: 1000`,
        `${second} at 1: 1020`,
        `${first} 1: 1000 > 1010`,
        `${first} 2: 1010 > 1020`,
      ]);
      await report(second, OrderStatus.CANCELLED);
      await eventually(() => expect(watcher.updates.at(-1)).toBe(`${second} 2: 1020 > 9001`));
      expect(watcher.updates).toHaveLength(5);
    });

    test("all fields of a snapshot and a change", async () => {
      const orderId = await insertOrder(api.db, Status.CREATED, { state: { is_pause: 1 } });
      const updates: unknown[] = [];
      const stop = new AbortController();
      const watched = (async () => {
        for await (const { update } of api.client.watchOrderStatus({ orderIds: [orderId] }, { signal: stop.signal })) {
          updates.push(plain(update));
        }
      })().catch(() => {});
      await eventually(() => expect(updates.length).toBeGreaterThan(0));
      const snapshot = plain(await api.client.getOrderStatus({ orderId }));
      await report(orderId, OrderStatus.PAID);
      await eventually(() =>
        expect(JSON.stringify(updates, (_, x) => String(x) && (typeof x === "bigint" ? `${x}` : x))).toContain(
          "change",
        ),
      );
      stop.abort();
      await watched;

      const { entries } = await api.client.listStatusHistory({ orderId });
      expect(updates.filter((update) => (update as { case: string }).case !== "heartbeat")).toEqual([
        { case: "snapshot", value: snapshot },
        {
          case: "change",
          value: {
            orderId,
            fromStatus: 1000,
            toStatus: 1010,
            version: 1n,
            occurTime: (plain(entries[0]) as { occurTime: Date }).occurTime,
            recordTime: (plain(entries[0]) as { recordTime: Date }).recordTime,
            messageId: `${orderId}-1`,
          },
        },
      ]);
    });

    test("a stale or duplicate report is not a change", async () => {
      const orderId = await insertOrder(api.db, Status.CREATED);
      const watcher = watch({ orderIds: [orderId] });
      await watcher.expectUpdates([`${orderId} at 0: 1000`]);

      await report(orderId, OrderStatus.PAID, OrderStatus.PAID, OrderStatus.APPROVED, OrderStatus.PAID);
      await report(orderId, OrderStatus.CANCELLED);

      await watcher.expectUpdates([
        `${orderId} at 0: 1000`,
        `${orderId} 1: 1000 > 1010`,
        `${orderId} 2: 1010 > 1020`,
        `${orderId} 3: 1020 > 9001`,
      ]);
    });

    test("after_versions: missed changes instead of the snapshot, then later ones, each once", async () => {
      const seen = await insertOrder(api.db, Status.CREATED);
      const fresh = await insertOrder(api.db, Status.PICKING);
      const upToDate = await insertOrder(api.db, Status.CREATED);
      await report(seen, OrderStatus.PAID, OrderStatus.APPROVED, OrderStatus.ERP_ALLOCATED);
      await report(upToDate, OrderStatus.PAID);

      const watcher = watch({
        orderIds: [seen, fresh, upToDate],
        afterVersions: { [String(seen)]: 1n, [String(upToDate)]: 1n },
      });
      const start = [`${seen} 2: 1010 > 1020`, `${seen} 3: 1020 > 2010`, `${fresh} at 0: 3020`];
      await watcher.expectUpdates(start);
      await report(upToDate, OrderStatus.APPROVED);
      await watcher.expectUpdates([...start, `${upToDate} 2: 1010 > 1020`]);
      await report(seen, OrderStatus.WMS_DISPATCHED);
      await watcher.expectUpdates([...start, `${upToDate} 2: 1010 > 1020`, `${seen} 4: 2010 > 2020`]);
    });

    test("a client that reconnects repeatedly misses and repeats nothing", async () => {
      const orderId = await insertOrder(api.db, Status.WMS_DISPATCHED);
      const changes: string[] = [];
      const states = [OrderStatus.DELIVERY_FAILED, OrderStatus.OUT_FOR_DELIVERY];
      const versions = 40;
      const reporting = (async () => {
        for (let index = 0; index < versions; index += 1) {
          await report(orderId, states[index % 2] as OrderStatus);
        }
      })();
      let last = 0;
      while (last < versions) {
        const stop = new AbortController();
        const stream = api.client.watchOrderStatus(
          { orderIds: [orderId], afterVersions: { [String(orderId)]: BigInt(last) } },
          { signal: stop.signal },
        );
        try {
          for await (const { update } of stream) {
            if (update.case === "change") {
              changes.push(String(update.value.version));
              last = Number(update.value.version);
              if (last % 7 === 0 || last === versions) {
                stop.abort();
                break;
              }
            }
          }
        } catch {
          // Disconnected.
        }
      }
      await reporting;
      expect(changes).toEqual(Array.from({ length: versions }, (_, index) => String(index + 1)));
    });

    test("a trade: all its orders, later ones included", async () => {
      const root = await insertOrder(api.db, Status.SPLIT);
      const child = () => insertOrder(api.db, Status.CREATED, { main: { root_parent_id: root, parent_id: root } });
      const first = await child();
      const watcher = watch({ rootOrderId: root });
      await watcher.expectUpdates([`${root} at 0: 1030`, `${first} at 0: 1000`]);

      const second = await child();
      await report(second, OrderStatus.PAID);
      await watcher.expectUpdates([`${root} at 0: 1030`, `${first} at 0: 1000`, `${second} at 1: 1010`]);
      await report(second, OrderStatus.APPROVED);
      await report(first, OrderStatus.PAID);
      await watcher.expectUpdates([
        `${root} at 0: 1030`,
        `${first} at 0: 1000`,
        `${second} at 1: 1010`,
        `${second} 2: 1010 > 1020`,
        `${first} 1: 1000 > 1010`,
      ]);
    });

    test("an idle stream sends heartbeats", async () => {
      const orderId = await insertOrder(api.db, Status.CREATED);
      const watcher = watch({ orderIds: [orderId] });

      await eventually(() => expect(watcher.heartbeats()).toBeGreaterThan(1));
      expect(watcher.updates).toEqual([`${orderId} at 0: 1000`]);
    });

    test("an unknown order is NOT_FOUND, and so is an empty trade", async () => {
      const known = await insertOrder(api.db, Status.CREATED);
      const unknown = nextOrderId();

      expect(await endOf({ orderIds: [known, unknown] })).toEqual({
        code: "NotFound",
        message: `there is no order ${unknown}`,
        details: {},
      });
      expect(await endOf({ rootOrderId: unknown })).toEqual({
        code: "NotFound",
        message: `trade ${unknown} has no orders`,
        details: {},
      });
    });

    test("a watch with a deadline ends with it", async () => {
      const orderId = await insertOrder(api.db, Status.CREATED);
      const watched = (async () => {
        for await (const _ of api.client.watchOrderStatus({ orderIds: [orderId] }, { timeoutMs: 400 })) {
          // Heartbeats only.
        }
      })();
      expect((await failure(watched)).code).toBe("DeadlineExceeded");
    });

    const both = "give either order_ids (1 to 1,000) or root_order_id, not both";
    test.each([
      ["nothing", {}, ["", both]],
      ["both", { orderIds: [1n], rootOrderId: 1n }, ["", both]],
      ["an id of 0", { orderIds: [1n, 0n] }, ["order_ids[1]", "must be greater than 0, was 0"]],
      [
        "too many",
        { orderIds: Array.from({ length: 1_001 }, (_, index) => BigInt(index + 1)) },
        ["order_ids", "must contain no more than 1000 item(s), was 1001 items"],
      ],
      [
        "a version below 0",
        { orderIds: [1n], afterVersions: { "1": -1n } },
        ["after_versions[1]", "must be greater than or equal to 0, was -1"],
      ],
      [
        "a key of 0",
        { orderIds: [1n], afterVersions: { "0": 1n } },
        ["after_versions[0]", "must be greater than 0, was 0"],
      ],
      [
        "another order",
        { orderIds: [1n], afterVersions: { "2": 1n } },
        ["after_versions[2]", "must be one of order_ids"],
      ],
    ])("%s is INVALID_ARGUMENT", async (_name, request, [field, description]) => {
      const { code, details } = await endOf(request);

      expect([code, details]).toEqual([
        "InvalidArgument",
        { BadRequest: { fieldViolations: [{ field, description, reason: "" }] } },
      ]);
    });

    test("a version that the order has not reached is INVALID_ARGUMENT", async () => {
      const orderId = await insertOrder(api.db, Status.CREATED);

      expect((await endOf({ orderIds: [orderId], afterVersions: { [String(orderId)]: 3n } })).message).toBe(
        `after_versions[${orderId}]: must be at most the order's version, 0, was 3`,
      );
    });
  });
}
