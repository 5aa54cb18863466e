import { readFileSync } from "node:fs";
import { setPriority } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { watchOtherLoad } from "../tools/testkit/machine.ts";
import type { AttackResult } from "./attacks/index.ts";
import type { AttackEnvironment } from "./environment.ts";
import { type CallerName, type OrdinaryCallers, startOrdinaryCallers } from "./ordinary-callers.ts";
import type { Scenario } from "./scenarios.ts";
import { startAttacker } from "./start-attacker.ts";

/** The effect of an attack. */
export interface Measurement {
  readonly scenario: Scenario;
  /** Bytes that the attacker sent per second, in MB, and its requests or writes per second. */
  readonly megabytesPerSecond: number;
  readonly perSecond: number;
  /** Median of ordinary calls before and during the attack, in milliseconds. */
  readonly before: Readonly<Record<CallerName, number>>;
  readonly during: Readonly<Record<CallerName, number>>;
  /** Ordinary calls during the attack, and texts of the errors of those that failed. */
  readonly calls: number;
  readonly failures: readonly string[];
  /** Resident memory above the level before the attack, in MB. */
  readonly memory: number;
  /** Longest stretch for which the service held its event loop, in milliseconds. */
  readonly blocked: number;
  /** Processors that the service used, below 1 while its event loop has time for all. */
  readonly cores: number;
  /** Share of the machine that other processes used. */
  readonly otherLoad: number;
  /** What the attacker observed. */
  readonly result: AttackResult;
}

/** What no attack may exceed. */
export const LIMITS = { slowdown: 2, failures: 0, memory: 100, blocked: 50 } as const;

/** Measurements of an attack that exceeds a limit: other load disturbs one, an attack all. */
const ATTEMPTS = 3;

/** Duration of the measurement before an attack, and of an attack before it is measured. */
const BEFORE_MS = 1_500;
const HEAD_START_MS = 500;

/** A lower priority than that of the service, whose processors a real attacker does not use. */
const PRIORITY = 5;

/** Calls that warm the service up, which then has the memory of a running one. */
const WARM_UP_MS = 5_000;

/** Interval of memory readings, in milliseconds. */
const MEMORY_MS = 50;

/** Memory above that of a new service at which it is restarted, in MB. */
const MAX_RETAINED = 60;

/** Time in which the connections of an attack end, in milliseconds. */
const SETTLE_MS = 300;

/** The limits that an attack exceeds. */
export function exceeded({ before, during, failures, memory, blocked }: Measurement): string[] {
  const slowdown = Math.max(during.gRPC / before.gRPC, during.Connect / before.Connect);
  return [
    ...(slowdown > LIMITS.slowdown ? [`p50 × ${slowdown.toFixed(1)}`] : []),
    ...(failures.length > LIMITS.failures ? [`${failures.length} calls failed, for example ${failures[0]}`] : []),
    ...(memory > LIMITS.memory ? [`${memory} MB`] : []),
    ...(blocked > LIMITS.blocked ? [`event loop held for ${Math.round(blocked)} ms`] : []),
  ];
}

/** Runs attacks one after the other against a service with ordinary callers. */
export function createRunner(environment: AttackEnvironment, seconds: number) {
  let callers: OrdinaryCallers | undefined;
  let initialMemory = 0;
  let attacks = 0;

  const memoryNow = () => environment.service().child.memory();

  async function begin(): Promise<void> {
    const { grpcPort, httpPort } = environment.service();
    const { orderId } = environment;
    const authorization = environment.authorization["read-only"] as string;
    callers = startOrdinaryCallers({ grpcPort, httpPort, authorization, orderId });
    await sleep(WARM_UP_MS);
    callers.experience();
    initialMemory = memoryNow();
  }

  async function restart(): Promise<void> {
    callers?.close();
    await environment.restart();
    await begin();
  }

  async function measureOnce(scenario: Scenario): Promise<Measurement> {
    if (callers === undefined) {
      await begin();
    } else if (environment.service().child.exitCode() !== undefined || memoryNow() > initialMemory + MAX_RETAINED) {
      await restart();
    }
    const ordinary = callers as OrdinaryCallers;
    const otherLoad = watchOtherLoad();
    ordinary.experience();
    await sleep(BEFORE_MS);
    const before = ordinary.experience();
    const level = memoryNow();
    let peak = level;
    const memory = setInterval(() => {
      peak = Math.max(peak, memoryNow());
    }, MEMORY_MS);
    attacks += 1;
    const { grpcPort, httpPort } = environment.service();
    const attacker = startAttacker({
      name: scenario.attack,
      port: scenario.port === "gRPC" ? grpcPort : httpPort,
      type: scenario.type,
      // A new address each: limits of addresses do not carry over.
      address: `127.0.1.${(attacks % 250) + 1}`,
      authorization: environment.authorization[scenario.credentials],
    });
    setPriority(attacker.pid, PRIORITY);
    const startedAt = Date.now();
    const cpu = environment.service().child.cpu();
    await sleep(HEAD_START_MS);
    const first = ordinary.experience();
    await sleep(seconds * 1_000);
    const during = ordinary.experience();
    const result = await attacker.stop();
    const usedCpu = environment.service().child.cpu() - cpu;
    const endedAt = Date.now();
    await sleep(SETTLE_MS);
    clearInterval(memory);
    const after = ordinary.experience();
    const tookSeconds = (endedAt - startedAt) / 1_000;
    const crashed = environment.service().child.exitCode() !== undefined ? ["the service exited"] : [];
    return {
      scenario,
      megabytesPerSecond: result.bytes / 1e6 / tookSeconds,
      perSecond: result.sent / tookSeconds,
      before: before.p50,
      during: during.p50,
      calls: first.calls + during.calls + after.calls,
      failures: [...crashed, ...first.failures, ...during.failures, ...after.failures],
      memory: Math.max(0, peak - level),
      blocked: longestStretch(environment.eventLoopFile, startedAt, endedAt),
      cores: usedCpu / tookSeconds,
      otherLoad: otherLoad(),
      result,
    };
  }

  return {
    async measure(scenario: Scenario, onRepeat: (measurement: Measurement) => void): Promise<Measurement> {
      let measurement = await measureOnce(scenario);
      for (let attempt = 1; attempt < ATTEMPTS && exceeded(measurement).length > 0; attempt += 1) {
        onRepeat(measurement);
        await restart();
        measurement = await measureOnce(scenario);
      }
      return measurement;
    },
    stop(): void {
      callers?.close();
    },
  };
}

/** The longest stretch that attack/event-loop-probe.ts saw within a time, in milliseconds. */
function longestStretch(file: string, from: number, to: number): number {
  return readFileSync(file, "utf8")
    .split("\n")
    .map((line) => line.split(" ").map(Number))
    .filter(([at = 0]) => at >= from && at <= to)
    .reduce((longest, [, ms = 0]) => Math.max(longest, ms), 0);
}
