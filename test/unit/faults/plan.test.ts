import { expect, test } from "vitest";
import { FAULT_KINDS, faultKind } from "../../../faults/kinds.ts";
import { type Fault, makePlan, targetName } from "../../../faults/plan.ts";

const ROUND_MS = 45_000;
const SEEDS = Array.from({ length: 200 }, (_, index) => index * 7_919);

const nameOfTarget = ({ target }: Fault) => targetName(target);

test("the plan depends on the seed only", () => {
  for (const seed of SEEDS) {
    expect(makePlan(seed, ROUND_MS)).toEqual(makePlan(seed, ROUND_MS));
  }
  expect(makePlan(1, ROUND_MS)).not.toEqual(makePlan(2, ROUND_MS));
  expect(makePlan(4_294_967_295, ROUND_MS)).not.toEqual(makePlan(0, ROUND_MS));
});

test("faults are ordered by start and end before the round", () => {
  for (const seed of SEEDS) {
    const plan = makePlan(seed, ROUND_MS);
    expect(plan.map(({ at }) => at)).toEqual(plan.map(({ at }) => at).toSorted((a, b) => a - b));
    for (const { at, kind, durationMs, chance } of plan) {
      const [low, high] = faultKind(kind).durationMs;
      expect(at).toBeGreaterThan(0);
      expect(at + durationMs).toBeLessThan(ROUND_MS);
      expect(durationMs).toBeGreaterThanOrEqual(low);
      expect(durationMs).toBeLessThanOrEqual(high);
      expect(chance >= 0 && chance < 1).toBe(true);
    }
  }
});

test("a target has one fault at a time; different targets may overlap", () => {
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

test("kills every process every few seconds; every kind of fault occurs, at its targets", () => {
  const plans = SEEDS.map((seed) => makePlan(seed, ROUND_MS));
  const all = plans.flat();
  const kills = all.filter(({ kind }) => kind === "kill");
  const each = kills.length / plans.length;
  expect(each).toBeGreaterThan(ROUND_MS / 4_000);
  expect(each).toBeLessThan(ROUND_MS / 2_000);
  const processes = ["mariadb", "nats", "redis", "service-1", "service-2", "stub-systems"];
  expect([...new Set(kills.map(nameOfTarget))].toSorted()).toEqual(processes);
  expect([...new Set(all.map(({ kind }) => kind))].toSorted()).toEqual(Object.keys(FAULT_KINDS).toSorted());
  for (const { kind, target } of all) {
    const { target: wanted } = faultKind(kind);
    const isLink = target.service !== undefined && target.server !== undefined;
    expect(isLink).toBe(wanted.startsWith("link"));
    const backend = wanted.replace("link to ", "");
    if (["mariadb", "nats", "redis"].includes(backend)) {
      expect(target.server).toBe(backend);
    }
  }
});

test("a plan can be limited to kinds, and to processes to kill", () => {
  const plan = makePlan(5, ROUND_MS, { kinds: ["kill"], kill: [{ service: 0 }, { service: 1 }] });
  expect(plan.length).toBeGreaterThan(5);
  expect(new Set(plan.map(({ kind }) => kind))).toEqual(new Set(["kill"]));
  expect(new Set(plan.map(nameOfTarget))).toEqual(new Set(["service-1", "service-2"]));
});
