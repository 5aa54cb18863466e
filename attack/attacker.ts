/**
 * An attacker in a process of its own: takes an AttackJob as JSON, prints a line once it is
 * connected, ends with its standard input, and prints its AttackResult as JSON.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { ATTACKS } from "./attacks/index.ts";
import { type AttackResult, NO_EFFECT } from "./attacks/types.ts";
import type { AttackJob } from "./start-attacker.ts";

/** Ends an attacker whose parent does not end it, in milliseconds. */
const MAX_MS = 60_000;

const { name, ...target } = JSON.parse(process.argv[2] ?? "") as AttackJob;
const result: AttackResult = structuredClone(NO_EFFECT);
const stop = new AbortController();
const timeout = setTimeout(() => stop.abort(), MAX_MS);
process.stdin.once("end", () => stop.abort()).resume();
const ended = ATTACKS[name]({ ...target, authorization: target.authorization, signal: stop.signal }, result);
while (result.connections === 0 && !stop.signal.aborted) {
  await sleep(10);
}
process.stdout.write("connected\n");
await ended;
clearTimeout(timeout);
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit());
