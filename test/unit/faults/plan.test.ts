import { expect, test } from "vitest";
import { FAULT_KINDS, faultKind } from "../../../faults/kinds.ts";
import { type Fault, makePlan, targetName } from "../../../faults/plan.ts";

const ROUND_MS = 45_000;
const SEEDS = Array.from({ length: 200 }, (_, index) => index * 7_919);

/** The processes that a fault kills or freezes, and the ways that it breaks, as names. */
const nameOfTarget = ({ target }: Fault) => targetName(target);

test("the same seed gives the same plan, another one another", () => {
  for (const seed of SEEDS) {
    expect(makePlan(seed, ROUND_MS)).toEqual(makePlan(seed, ROUND_MS));
  }
  expect(makePlan(1, ROUND_MS)).not.toEqual(makePlan(2, ROUND_MS));
  expect(makePlan(4_294_967_295, ROUND_MS)).not.toEqual(makePlan(0, ROUND_MS));
});

test("faults begin in order and are over before the round is", () => {
  for (const seed of SEEDS) {
    const plan = makePlan(seed, ROUND_MS);
    expect(plan.map(({ at }) => at)).toEqual(plan.map(({ at }) => at).toSorted((a, b) => a - b));
    for (const { at, kind, durationMs, chance } of plan) {
      const [low, high] = faultKind(kind).lasts;
      expect(at).toBeGreaterThan(0);
      expect(at + durationMs).toBeLessThan(ROUND_MS);
      expect(durationMs).toBeGreaterThanOrEqual(low);
      expect(durationMs).toBeLessThanOrEqual(high);
      expect(chance >= 0 && chance < 1).toBe(true);
    }
  }
});

test("a target has one fault at a time; different targets may have theirs together", () => {
  let together = 0;
  for (const seed of SEEDS) {
    const plan = makePlan(seed, ROUND_MS);
    for (const [index, fault] of plan.entries()) {
      for (const later of plan.slice(index + 1)) {
        const overlaps = later.at < fault.at + fault.durationMs;
        expect(overlaps && nameOfTarget(later) === nameOfTarget(fault)).toBe(false);
        together += overlaps ? 1 : 0;
      }
    }
  }
  expect(together).toBeGreaterThan(SEEDS.length);
});

test("kills come every few seconds, of every process; every kind of fault comes, at what it can hit", () => {
  const plans = SEEDS.map((seed) => makePlan(seed, ROUND_MS));
  const all = plans.flat();
  const kills = all.filter(({ kind }) => kind === "kill");
  const each = kills.length / plans.length;
  expect(each).toBeGreaterThan(ROUND_MS / 4_000);
  expect(each).toBeLessThan(ROUND_MS / 2_000);
  const processes = ["mariadb", "nats", "neighbours", "redis", "service-1", "service-2"];
  expect([...new Set(kills.map(nameOfTarget))].toSorted()).toEqual(processes);
  expect([...new Set(all.map(({ kind }) => kind))].toSorted()).toEqual(Object.keys(FAULT_KINDS).toSorted());
  for (const { kind, target } of all) {
    const { hits } = faultKind(kind);
    const isWay = target.service !== undefined && target.server !== undefined;
    expect(isWay).toBe(hits.startsWith("way"));
    expect(hits.includes("mariadb") || hits.includes("nats") || hits === "redis" ? target.server : hits).toBe(
      hits.replace("way to ", ""),
    );
  }
});

test("a plan can be held to some kinds, and to some processes to kill", () => {
  const plan = makePlan(5, ROUND_MS, { kinds: ["kill"], kill: [{ service: 0 }, { service: 1 }] });
  expect(plan.length).toBeGreaterThan(5);
  expect(new Set(plan.map(({ kind }) => kind))).toEqual(new Set(["kill"]));
  expect(new Set(plan.map(nameOfTarget))).toEqual(new Set(["service-1", "service-2"]));
});
