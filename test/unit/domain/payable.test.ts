import { describe, expect, it } from "vitest";
import { DEFAULT_ORDER_KINDS } from "../../../src/domain/order-kinds.ts";
import { notPayableReason } from "../../../src/domain/payable.ts";

const now = new Date("2024-05-01T12:00:00.000Z");
const created = (msAgo: number) => new Date(now.getTime() - msAgo);
const HALF_AN_HOUR = 30 * 60 * 1000;

describe("CheckPayable (old operation 9)", () => {
  it.each([
    ["just created", 1000, created(0), false, undefined],
    ["created a millisecond less than 30 minutes ago", 1000, created(HALF_AN_HOUR - 1), false, undefined],
    ["created 30 minutes ago", 1000, created(HALF_AN_HOUR), false, "EXPIRED"],
    ["created 30 minutes ago, of source 1025", 1025, created(HALF_AN_HOUR), false, undefined],
    ["created last year, of source 1025", 1025, created(366 * 86_400_000), false, undefined],
    ["created in the future, by another clock", 1000, created(-60_000), false, undefined],
    ["with a cancel request", 1000, created(0), true, "CANCEL_REQUESTED"],
    ["of source 1025 with a cancel request", 1025, created(HALF_AN_HOUR), true, "CANCEL_REQUESTED"],
    ["expired and with a cancel request", 1000, created(HALF_AN_HOUR), true, "EXPIRED"],
  ])("%s", (_, orderSource, createTime, cancelRequested, reason) => {
    expect(notPayableReason(DEFAULT_ORDER_KINDS, { orderSource, createTime, cancelRequested }, now, 1_800_000)).toBe(
      reason,
    );
  });

  it("goes by the configured sources", () => {
    const kinds = { ...DEFAULT_ORDER_KINDS, noPaymentTimeoutSources: [7] };
    const order = { createTime: created(HALF_AN_HOUR), cancelRequested: false };
    expect(notPayableReason(kinds, { ...order, orderSource: 7 }, now, 1_800_000)).toBeUndefined();
    expect(notPayableReason(kinds, { ...order, orderSource: 1025 }, now, 1_800_000)).toBe("EXPIRED");
  });
});
