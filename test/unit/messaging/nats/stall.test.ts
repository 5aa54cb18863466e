import { expect, test } from "vitest";
import { createStallDetector } from "../../../../src/messaging/nats/stall.ts";

/** What the broker says of a consumer; by default one that has something to deliver and does not. */
function info(change: { delivered?: number; pending?: number; unacknowledged?: number } = {}) {
  return {
    delivered: { consumer_seq: change.delivered ?? 5 },
    num_pending: change.pending ?? 10,
    num_ack_pending: change.unacknowledged ?? 0,
    config: { max_ack_pending: 100 },
  };
}

test("a consumer that delivers nothing of what it has is opened again, then made anew", () => {
  const stall = createStallDetector();
  const looks = Array.from({ length: 7 }, () => stall.check(info()));
  expect(looks).toEqual(["moves", "moves", "moves", "stands still", "moves", "moves", "still stands still"]);
});

test("one that moves, has nothing, or waits for acknowledgements does not stand still", () => {
  const stall = createStallDetector();
  const looks = Array.from({ length: 20 }, (_, look) => {
    const why = [{ delivered: 100 + look }, { pending: 0 }, { unacknowledged: 100 }][look % 3];
    return stall.check(info(why));
  });
  expect(new Set(looks)).toEqual(new Set(["moves"]));
});
