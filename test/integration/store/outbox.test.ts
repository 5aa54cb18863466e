import { afterAll, describe, expect, test } from "vitest";
import { Status } from "../../../src/domain/state-machine.ts";
import { createLedger } from "../../../src/store/ledger/index.ts";
import { deletePublished, readUnpublished } from "../../../src/store/outbox/outbox.ts";
import { insertOrder, openCommitter, report, rowsOf, useStore } from "./fixture.ts";

const { db } = useStore();
const committer = openCommitter(db);
const unmatched = openCommitter(db, { subscriptionsFor: () => [] });
afterAll(async () => {
  await committer.close();
  await unmatched.close();
});

const outboxIds = async (orderId: bigint) => (await rowsOf(db, "oms_db.oms_outbox", orderId)).map(({ id }) => id);

describe("unpublished rows", () => {
  test("are read by id, page by page, and equal the committed events", async () => {
    const orderId = await insertOrder(db);
    for (const status of [Status.PAID, Status.APPROVED, Status.ERP_ALLOCATED]) {
      await unmatched.report(report(orderId, status));
    }
    const committed = unmatched.batches.flat().map(({ row }) => row);
    const first = await readUnpublished(db, { olderThanMs: 0, afterId: 0n, limit: 2 });
    expect(first).toEqual(committed.slice(0, 2));
    expect(await readUnpublished(db, { olderThanMs: 0, afterId: first.at(-1)?.id ?? 0n, limit: 2 })).toEqual(
      committed.slice(2),
    );
    await deletePublished(
      db,
      committed.map(({ id }) => id),
    );
  });

  test("are not read while they are young", async () => {
    const orderId = await insertOrder(db);
    await unmatched.report(report(orderId, Status.PAID));
    expect(await readUnpublished(db, { olderThanMs: 60_000, afterId: 0n, limit: 10 })).toEqual([]);
    const ids = (await outboxIds(orderId)) as bigint[];
    expect((await readUnpublished(db, { olderThanMs: 0, afterId: 0n, limit: 10 })).map(({ id }) => id)).toEqual(ids);
    await deletePublished(db, ids);
  });
});

describe("published rows", () => {
  test("are deleted if no Action matches, or all entries are done or discarded", async () => {
    const ledger = createLedger({ db, leaseMs: 30_000 });
    const [quiet, done] = [await insertOrder(db), await insertOrder(db)];
    await unmatched.report(report(quiet, Status.PAID));
    await committer.report(report(done, Status.PAID));
    for (const action of ["first-action", "second-action"]) {
      const claim = await ledger.claim(`${done}-1`, action);
      expect(claim.kind).toBe("run");
      if (claim.kind === "run") {
        await ledger.done(claim.entry);
      }
    }
    await deletePublished(db, [...(await outboxIds(quiet)), ...(await outboxIds(done))] as bigint[]);
    expect([await outboxIds(quiet), await outboxIds(done)]).toEqual([[], []]);
  });

  test("are kept while an Action needs them, are not sent again, and are deleted when the last one is done", async () => {
    const ledger = createLedger({ db, leaseMs: 30_000, outboxRetentionMs: 0 });
    const orderId = await insertOrder(db);
    await committer.report(report(orderId, Status.PAID));
    const ids = (await outboxIds(orderId)) as bigint[];
    const [first, second] = await Promise.all(
      ["first-action", "second-action"].map((action) => ledger.claim(`${orderId}-1`, action)),
    );
    if (first?.kind !== "run" || second?.kind !== "run") {
      throw new Error("both are to run");
    }
    await ledger.park(second.entry, "no such customer");
    await deletePublished(db, ids);
    expect(await rowsOf(db, "oms_db.oms_outbox", orderId)).toMatchObject([{ published: 1 }]);
    expect(await readUnpublished(db, { olderThanMs: 0, afterId: 0n, limit: 10 })).toEqual([]);
    await ledger.done(first.entry);
    expect(await outboxIds(orderId)).toEqual(ids);
    await ledger.done(second.entry);
    expect(await outboxIds(orderId)).toEqual([]);
  });

  test("are deleted in large numbers", async () => {
    const orderId = await insertOrder(db);
    await unmatched.report(report(orderId, Status.PAID));
    const [id] = (await outboxIds(orderId)) as [bigint];
    await deletePublished(
      db,
      Array.from({ length: 2_500 }, (_, index) => id + BigInt(index)),
    );
    expect(await outboxIds(orderId)).toEqual([]);
  });
});
