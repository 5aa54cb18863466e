import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { Status } from "../../../src/domain/state-machine.ts";
import { createLedger, type LedgerEntry } from "../../../src/store/ledger/index.ts";
import { insertOrder, openCommitter, report, useStore } from "./fixture.ts";
import { normalize, recordStatements } from "./golden-sql.ts";

const { db, prefix } = useStore();
const ledger = createLedger({ db, leaseMs: 30_000 });
const committer = openCommitter(db, { subscriptionsFor: () => [{ action: "golden-action" }] });
afterAll(async () => {
  await committer.close();
  await ledger.close();
});

const FOLDER = join(import.meta.dirname, "golden");
const ENDS = ["done", "retry", "defer", "park"] as const;
const RETRY_TIME = new Date("2038-01-01T00:00:00Z");

const endAttempt = {
  done: (entry: LedgerEntry) => ledger.done(entry),
  retry: (entry: LedgerEntry) => ledger.retry(entry, "connection refused", RETRY_TIME),
  defer: (entry: LedgerEntry) => ledger.defer(entry, "stock not allocated yet", RETRY_TIME),
  park: (entry: LedgerEntry) => ledger.park(entry, "rejected by the external system"),
};

const FILES = ["action-claim.sql", ...ENDS.map((end) => `action-${end}.sql`)];

test.each(ENDS)("the exact SQL of a claim, and of an attempt that ends as %s", async (end) => {
  const orderId = await insertOrder(db);
  await committer.report(report(orderId, Status.PAID));
  const take = recordStatements();

  const claim = await ledger.claim(`${orderId}-1`, "golden-action");
  if (claim.kind !== "run") {
    throw new Error(`the claim must succeed, was ${claim.kind}`);
  }
  const claimed = take();
  await endAttempt[end](claim.entry);
  const ended = take();

  const { id } = claim.entry;
  const token = claimed.join().match(/claimed_by = (-?\d+)/)?.[1] ?? "";
  const names = new Map([
    [`${prefix}oms_db`, "oms_db"],
    [token, "<token>"],
    [String(orderId), "<order>"],
    [`id in (${id})`, "id in (<entry>)"],
    [`\`id\` = ${id}`, "`id` = <entry>"],
  ]);
  await expect(normalize(claimed, names)).toMatchFileSnapshot(join(FOLDER, "action-claim.sql"));
  await expect(normalize(ended, names)).toMatchFileSnapshot(join(FOLDER, `action-${end}.sql`));
});

// Outside CI a missing file is written, but only after this test: it fails once there, too.
test("the folder has exactly these files", async () => {
  const written = (await readdir(FOLDER)).filter((name) => name.startsWith("action-"));
  expect(written.toSorted()).toEqual(FILES.toSorted());
});
