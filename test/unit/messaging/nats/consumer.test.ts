import { expect, test } from "vitest";
import { type ConsumerProgress, createStallDetector } from "../../../../src/messaging/nats/consumer.ts";

/** By default a consumer that has messages to deliver and does not deliver them. */
function progress({ delivered = 5, pending = 10, unacknowledged = 0 } = {}): ConsumerProgress {
  return {
    delivered: { consumer_seq: delivered },
    num_pending: pending,
    num_ack_pending: unacknowledged,
    config: { max_ack_pending: 100 },
  };
}

test("a consumer without progress is stalled, and after a reopen still stalled", () => {
  const stall = createStallDetector();
  const verdicts = Array.from({ length: 7 }, () => stall.check(progress()));
  expect(verdicts).toEqual(["ok", "ok", "ok", "stalled", "ok", "ok", "still-stalled"]);
});

test("a consumer that progresses, has nothing to deliver, or waits for acknowledgements is not stalled", () => {
  const stall = createStallDetector();
  const verdicts = Array.from({ length: 20 }, (_, check) => {
    const state = [{ delivered: 100 + check }, { pending: 0 }, { unacknowledged: 100 }][check % 3];
    return stall.check(progress(state));
  });
  expect(new Set(verdicts)).toEqual(new Set(["ok"]));
});
