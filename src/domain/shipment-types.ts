/** The ways to ship, a fixed list in code as in the old system (old operation 12, getShipmentType). */
export const SHIPMENT_TYPES: readonly { readonly code: number; readonly name: string }[] = [
  { code: 1, name: "普通快递" },
  { code: 2, name: "次日达" },
  { code: 3, name: "当日达" },
  { code: 4, name: "冷链配送" },
  { code: 5, name: "门店自提" },
  { code: 6, name: "虚拟发货" },
];
