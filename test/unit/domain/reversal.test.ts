import { describe, expect, test } from "vitest";
import { type CancelAnswer, decideAnswer, NO_ANSWER } from "../../../src/domain/reversal.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import type { CancelVerdict } from "../../../src/domain/verdicts.ts";

const AGREED: CancelAnswer = { kind: "agreed", reason: "" };
const REFUSED: CancelAnswer = { kind: "refused", reason: "packed" };
const GONE = "the order is HANDED_OVER (4010): it has left the warehouse, and can only be returned";
const KEPT = "the order is cancelled, and the WMS keeps it: packed";
const UNANSWERED = "the order is cancelled, and the WMS did not answer in time whether it returns it";

type State = "WAITING_FOR_WMS" | "CANCELLED" | "REFUSED";

function decideAt(status: Status, state: State, answer: CancelAnswer, verdict: CancelVerdict = "ASK_WMS") {
  const order = { status, version: 5, paused: true, passed: 0, statusTime: null, virtual: false };
  const effect = decideAnswer(order, { state, verdict }, answer);
  return effect === undefined ? "unchanged" : [effect.state, effect.refusalReason, effect.conflict ?? ""];
}

describe("an open request", () => {
  test.each([
    ["agreed", Status.PACKED, AGREED, ["CANCELLED", "", ""]],
    ["agreed, handed over", Status.HANDED_OVER, AGREED, ["REFUSED", GONE, `the WMS agreed to the cancel, but ${GONE}`]],
    ["agreed, cancelled otherwise", Status.CANCELLED, AGREED, ["CANCELLED", "", ""]],
    ["refused", Status.PACKED, REFUSED, ["REFUSED", "packed", ""]],
    ["refused, cancelled otherwise", Status.CANCELLED, REFUSED, ["CANCELLED", "", KEPT]],
    ["no answer", Status.PACKED, NO_ANSWER, ["REFUSED", "the WMS did not answer in time", ""]],
    ["no answer, cancelled otherwise", Status.CANCELLED, NO_ANSWER, ["CANCELLED", "", ""]],
  ])("%s", (_name, status, answer, expected) => {
    expect(decideAt(status, "WAITING_FOR_WMS", answer)).toEqual(expected);
  });
});

describe("a request to take goods back", () => {
  test.each([
    ["agreed", "WAITING_FOR_WMS", AGREED, ["CANCELLED", "", ""]],
    ["refused", "WAITING_FOR_WMS", REFUSED, ["REFUSED", "packed", KEPT]],
    ["no answer", "WAITING_FOR_WMS", NO_ANSWER, ["REFUSED", "the WMS did not answer in time", UNANSWERED]],
    ["agreed after its end", "REFUSED", AGREED, ["CANCELLED", "", ""]],
  ] as const)("%s", (_name, state, answer, expected) => {
    expect(decideAt(Status.CANCELLED, state, answer, "ALREADY_CANCELLED")).toEqual(expected);
  });
});

describe("a request that has ended", () => {
  test.each([
    ["refused, then agreed", Status.PACKED, "REFUSED", AGREED, ["CANCELLED", "", ""]],
    [
      "refused, then agreed, handed over",
      Status.HANDED_OVER,
      "REFUSED",
      AGREED,
      ["REFUSED", GONE, `the WMS agreed to the cancel, but ${GONE}`],
    ],
    ["refused, then refused", Status.PACKED, "REFUSED", REFUSED, "unchanged"],
    ["refused, then no answer", Status.PACKED, "REFUSED", NO_ANSWER, "unchanged"],
    ["cancelled, then agreed", Status.CANCELLED, "CANCELLED", AGREED, "unchanged"],
    ["cancelled, then refused", Status.CANCELLED, "CANCELLED", REFUSED, ["CANCELLED", "", KEPT]],
    ["cancelled, then no answer", Status.CANCELLED, "CANCELLED", NO_ANSWER, "unchanged"],
  ] as const)("%s", (_name, status, state, answer, expected) => {
    expect(decideAt(status, state, answer)).toEqual(expected);
  });
});
