import { describe, expect, it } from "vitest";
import {
  DEFAULT_ORDER_KINDS,
  isForFinance,
  isMarketplace,
  isVirtual,
  SHIPMENT_TYPES,
} from "../../../src/domain/order-kinds.ts";

describe("order kinds", () => {
  it("have the documented defaults", () => {
    expect(DEFAULT_ORDER_KINDS).toEqual({
      marketplaceSources: [2001, 2002, 2003],
      enterpriseTypes: [21],
      rechargeCardTypes: [31],
      iqiyiRechargeTypes: [32],
      noPaymentTimeoutSources: [1025],
      replenishmentSources: [1010, 10010],
      uncountedSubOrderTypes: [41, 5, 4],
    });
  });

  it.each([
    ["an ordinary order", 1000, 1, []],
    ["a marketplace order", 2002, 1, ["marketplace", "finance"]],
    ["an enterprise order", 1000, 21, ["finance"]],
    ["a recharge card", 1000, 31, ["virtual"]],
    ["an iQIYI recharge", 1000, 32, ["virtual", "finance"]],
    ["a recharge card sold on a marketplace", 2001, 31, ["marketplace", "virtual", "finance"]],
    ["a replenishment", 10010, 1, []],
    ["a cancelled marketplace order, whose type is 100 now", 2003, 100, ["marketplace", "finance"]],
  ])("%s", (_, orderSource, orderType, kinds) => {
    const order = { orderSource, orderType };
    const found = [
      isMarketplace(DEFAULT_ORDER_KINDS, order) && "marketplace",
      isVirtual(DEFAULT_ORDER_KINDS, order) && "virtual",
      isForFinance(DEFAULT_ORDER_KINDS, order) && "finance",
    ].filter((kind) => kind !== false);
    expect(found).toEqual(kinds);
  });

  it("follow the configuration", () => {
    const kinds = { ...DEFAULT_ORDER_KINDS, marketplaceSources: [9], rechargeCardTypes: [8] };
    expect(isMarketplace(kinds, { orderSource: 9, orderType: 1 })).toBe(true);
    expect(isMarketplace(kinds, { orderSource: 2001, orderType: 1 })).toBe(false);
    expect(isVirtual(kinds, { orderSource: 1, orderType: 8 })).toBe(true);
    expect(isVirtual(kinds, { orderSource: 1, orderType: 31 })).toBe(false);
  });
});

describe("shipment types (legacy operation 12)", () => {
  it("are a fixed list, each code once", () => {
    expect(SHIPMENT_TYPES.map(({ code, name }) => `${code} ${name}`)).toEqual([
      "1 普通快递",
      "2 次日达",
      "3 当日达",
      "4 冷链配送",
      "5 门店自提",
      "6 虚拟发货",
    ]);
  });
});
