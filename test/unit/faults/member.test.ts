import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { createMember, type Member } from "../../../faults/cluster/member.ts";
import { type Child, startChild } from "../../../tools/devstack/child.ts";
import { eventually } from "../../support/eventually.ts";

let folder = "";
let launched: Child[];
/** Number of starts that fail first, and the duration of a start in milliseconds. */
let failures: number;
let startMs: number;
let exits: (string | number | null)[];
let member: Member;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "oms-member-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

beforeEach(() => {
  launched = [];
  exits = [];
  failures = 0;
  startMs = 0;
  member = createMember({
    name: "sleeper",
    onUnexpectedExit: ({ code, signal }) => exits.push(signal ?? code),
    async launch(signal) {
      await sleep(startMs, undefined, { signal });
      if (failures > 0) {
        failures -= 1;
        throw new Error("not yet");
      }
      const child = await startChild({ command: "sleep", args: ["60"], cwd: folder, logFile: join(folder, "log") });
      launched.push(child);
      return child;
    },
  });
});
afterEach(() => member.kill());

const alive = () => launched.filter((child) => child.running()).length;

test("start() retries until it succeeds, and concurrent calls share one start", async () => {
  failures = 2;
  await Promise.all([member.start(), member.start()]);
  await member.start();
  expect([member.isUp(), alive(), failures]).toEqual([true, 1, 0]);
});

test("a killed process stays down until start()", async () => {
  await member.start();
  await member.kill();
  await sleep(400);
  expect([member.isUp(), alive(), launched.length]).toEqual([false, 0, 1]);
  await member.start();
  expect([member.isUp(), alive(), exits]).toEqual([true, 1, []]);
});

test("kill() during the start prevents it", async () => {
  startMs = 100;
  const starting = member.start();
  await member.kill();
  await starting;
  await sleep(200);
  expect([member.isUp(), launched.length]).toEqual([false, 0]);
});

test("an unexpected exit is reported and the process restarted", async () => {
  await member.start();
  await launched[0]?.kill("SIGTERM");
  await eventually(() => expect(alive()).toBe(1));
  await eventually(() => expect(member.isUp()).toBe(true));
  expect(exits).toEqual(["SIGTERM"]);
});

test("a frozen process is not up until thaw(), and can be killed", async () => {
  await member.start();
  member.freeze();
  expect([member.isUp(), alive()]).toEqual([false, 1]);
  member.thaw();
  expect(member.isUp()).toBe(true);
  member.freeze();
  await member.kill();
  expect([alive(), exits]).toEqual([0, []]);
  await member.start();
  expect(member.isUp()).toBe(true);
});
