import { Status } from "../../src/domain/state-machine.ts";
import { LIFECYCLE } from "../order-lifecycle.ts";
import type { Call, LoadJob } from "./index.ts";
import type { Report, Request, Requests } from "./requests.ts";

/** What onOutcome of a call that a walk asked for. */
export type CallOutcome = "done" | "refused" | "failed";

/** A call to make, and whom to tell what onOutcome of it. */
export interface Step {
  readonly request: Request;
  readonly onOutcome: (how: CallOutcome) => void;
}

/** What one caller does, call by call; undefined when there is nothing left to do. */
export type CallSequence = () => Step | undefined;

const TOGETHER = 100;
const READS_OF_FIVE = 4;
const NOBODY = (): void => {};

/** Makes walks over the orders of a job: what one takes, no other gets. */
export function createCallSequences(job: LoadJob, requests: Requests): () => CallSequence {
  const { call, orders, lifecycle = LIFECYCLE, cycle = [], requestIds = true } = job;
  const first = BigInt(orders.first);
  const apart = BigInt(orders.step ?? 1);
  const end = cycle.length === 0 ? lifecycle.length : Number.POSITIVE_INFINITY;
  let taken = 0;

  const take = (): bigint | undefined => {
    taken += 1;
    return taken > orders.count ? undefined : first + BigInt(taken - 1) * apart;
  };
  const any = () => first + BigInt(Math.floor(Math.random() * orders.count)) * apart;
  const report = (orderId: bigint, at: number): Report => {
    const status = lifecycle[at] ?? cycle[(at - lifecycle.length) % cycle.length] ?? Status.PAID;
    return { orderId, status, requestId: requestIds ? `bench-${orderId}-${status}-${at}` : "" };
  };

  /** Leads what `begin` takes through a life; a call that was refused is made again, after one that failed the next life begins. */
  function lead<Taken>(begin: () => Taken | undefined, request: (taken: Taken, at: number) => Request): CallSequence {
    const again: { readonly under: Taken; readonly at: number }[] = [];
    let under: Taken | undefined;
    let next = end;
    return () => {
      if (again.length === 0 && next === end) {
        under = begin();
        next = 0;
      }
      const step = again.shift() ?? (under === undefined ? undefined : { under, at: next++ });
      if (step === undefined) {
        return undefined;
      }
      const onOutcome = (how: CallOutcome) => {
        if (how === "refused") {
          again.push(step);
        } else if (how === "failed" && step.under === under) {
          next = end;
        }
      };
      return { request: request(step.under, step.at), onOutcome };
    };
  }

  const read: CallSequence = () => ({ request: requests.get(any()), onOutcome: NOBODY });
  const leadOne = () => lead(take, (orderId, at) => requests.update(report(orderId, at)));
  const leadMany = () =>
    lead(
      () => {
        const ids = Array.from({ length: TOGETHER }, take);
        return ids.some((id) => id === undefined) ? undefined : (ids as bigint[]);
      },
      (orderIds, at) => requests.batch(orderIds.map((orderId) => report(orderId, at))),
    );
  const leadAndRead = (): CallSequence => {
    const write = leadOne();
    let calls = Math.floor(Math.random() * (READS_OF_FIVE + 1));
    return () => (calls++ % (READS_OF_FIVE + 1) === 0 ? write() : read());
  };
  const pauseOne = (): CallSequence => {
    const orderId = take();
    let isPaused = false;
    return () => {
      if (orderId === undefined) {
        return undefined;
      }
      isPaused = !isPaused;
      const request = requests.pause(orderId, isPaused);
      const onOutcome = (how: CallOutcome) => {
        isPaused = how === "refused" ? !isPaused : isPaused;
      };
      return { request, onOutcome };
    };
  };

  const makers: Readonly<Record<Call, () => CallSequence>> = {
    "update-status": leadOne,
    "get-status": () => read,
    mixed: leadAndRead,
    "batch-update": leadMany,
    "set-pause": pauseOne,
  };
  return makers[call];
}
