import { randomUUID } from "node:crypto";
import { Status } from "../../src/domain/state-machine.ts";
import type { Call, LoadJob } from "./index.ts";
import type { Report, Request, Requests } from "./requests.ts";

/** The usual lifecycle of an order after CREATED: eleven changes. */
export const LIFECYCLE: readonly Status[] = [
  Status.PAID,
  Status.APPROVED,
  Status.ERP_ALLOCATED,
  Status.WMS_DISPATCHED,
  Status.WMS_ACCEPTED,
  Status.PICKING,
  Status.PACKED,
  Status.HANDED_OVER,
  Status.IN_TRANSIT,
  Status.OUT_FOR_DELIVERY,
  Status.DELIVERED,
];

export type CallOutcome = "done" | "rejected" | "failed";

/** A call to make, and a callback for its outcome. */
export interface Step {
  readonly request: Request;
  readonly onOutcome: (outcome: CallOutcome) => void;
}

/** The calls of one caller, one at a time; undefined at the end. */
export type CallSequence = () => Step | undefined;

const BATCH = 100;
const READS_PER_CHANGE = 4;
const IGNORE = (): void => {};

/** Creates call sequences over the orders of a job. No order is used by two sequences. */
export function createCallSequences(job: LoadJob, requests: Requests): () => CallSequence {
  const { call, orders, lifecycle = LIFECYCLE, cycle = [], requestIds = true } = job;
  const first = BigInt(orders.first);
  const step = BigInt(orders.step ?? 1);
  const end = cycle.length === 0 ? lifecycle.length : Number.POSITIVE_INFINITY;
  let used = 0;

  const nextOrder = (): bigint | undefined => {
    used += 1;
    return used > orders.count ? undefined : first + BigInt(used - 1) * step;
  };
  const randomOrder = () => first + BigInt(Math.floor(Math.random() * orders.count)) * step;
  const report = (orderId: bigint, at: number): Report => {
    const status = lifecycle[at] ?? cycle[(at - lifecycle.length) % cycle.length] ?? Status.PAID;
    return { orderId, status, requestId: requestIds ? `bench-${orderId}-${status}-${at}` : "" };
  };

  /**
   * Moves one subject after the other through the lifecycle. Rejected calls are repeated; a failed
   * one ends its subject.
   */
  function moveThrough<Subject>(
    begin: () => Subject | undefined,
    request: (subject: Subject, at: number) => Request,
  ): CallSequence {
    const repeats: { readonly subject: Subject; readonly at: number }[] = [];
    let current: Subject | undefined;
    let next = end;
    return () => {
      if (repeats.length === 0 && next === end) {
        current = begin();
        next = 0;
      }
      const move = repeats.shift() ?? (current === undefined ? undefined : { subject: current, at: next++ });
      if (move === undefined) {
        return undefined;
      }
      const onOutcome = (outcome: CallOutcome) => {
        if (outcome === "rejected") {
          repeats.push(move);
        } else if (outcome === "failed" && move.subject === current) {
          next = end;
        }
      };
      return { request: request(move.subject, move.at), onOutcome };
    };
  }

  const read: CallSequence = () => ({ request: requests.get(randomOrder()), onOutcome: IGNORE });
  const updateOne = () => moveThrough(nextOrder, (orderId, at) => requests.update(report(orderId, at)));
  const updateBatch = () =>
    moveThrough(
      () => {
        const ids = Array.from({ length: BATCH }, nextOrder);
        return ids.some((id) => id === undefined) ? undefined : (ids as bigint[]);
      },
      (orderIds, at) => requests.batch(orderIds.map((orderId) => report(orderId, at))),
    );
  const readAndUpdate = (): CallSequence => {
    const update = updateOne();
    let calls = Math.floor(Math.random() * (READS_PER_CHANGE + 1));
    return () => (calls++ % (READS_PER_CHANGE + 1) === 0 ? update() : read());
  };
  const pauseOne = (): CallSequence => {
    const orderId = nextOrder();
    let isPaused = false;
    return () => {
      if (orderId === undefined) {
        return undefined;
      }
      isPaused = !isPaused;
      const request = requests.pause(orderId, isPaused);
      const onOutcome = (outcome: CallOutcome) => {
        isPaused = outcome === "rejected" ? !isPaused : isPaused;
      };
      return { request, onOutcome };
    };
  };

  const run = randomUUID();
  let submitted = 0;
  /** A rejected call is repeated with its request id. */
  const submitOne = (): CallSequence => {
    let repeated: Request | undefined;
    return () => {
      submitted += repeated === undefined ? 1 : 0;
      const request = repeated ?? requests.submit(`bench-${run}-${submitted}`);
      const onOutcome = (outcome: CallOutcome) => {
        repeated = outcome === "rejected" ? request : undefined;
      };
      return { request, onOutcome };
    };
  };

  const sequences: Readonly<Record<Call, () => CallSequence>> = {
    "update-status": updateOne,
    "get-status": () => read,
    mixed: readAndUpdate,
    "batch-update": updateBatch,
    "set-pause": pauseOne,
    "submit-order": submitOne,
  };
  return sequences[call];
}
