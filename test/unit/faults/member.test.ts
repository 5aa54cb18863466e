import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { createMember, type Member } from "../../../faults/cluster/member.ts";
import { type Child, startChild } from "../../../tools/devstack/child.ts";

let folder = "";
let launched: Child[];
/** How many starts fail before one succeeds; and how long a start takes, in milliseconds. */
let failing: number;
let takesMs: number;
let fell: (string | number | null)[];
let member: Member;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "oms-member-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

beforeEach(() => {
  launched = [];
  fell = [];
  failing = 0;
  takesMs = 0;
  member = createMember({
    name: "sleeper",
    onUnexpectedExit: ({ code, signal }) => fell.push(signal ?? code),
    async launch(signal) {
      await sleep(takesMs, undefined, { signal });
      if (failing > 0) {
        failing -= 1;
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

test("it starts as often as it takes, and once for all who ask", async () => {
  failing = 2;
  await Promise.all([member.start(), member.start()]);
  await member.start();
  expect([member.isUp(), alive(), failing]).toEqual([true, 1, 0]);
});

test("killed, it stays down until it is started", async () => {
  await member.start();
  await member.kill();
  await sleep(400);
  expect([member.isUp(), alive(), launched.length]).toEqual([false, 0, 1]);
  await member.start();
  expect([member.isUp(), alive(), fell]).toEqual([true, 1, []]);
});

test("killed while it starts, it does not come up", async () => {
  takesMs = 100;
  const starting = member.start();
  await member.kill();
  await starting;
  await sleep(200);
  expect([member.isUp(), launched.length]).toEqual([false, 0]);
});

test("ended by itself, it is told of and started again", async () => {
  await member.start();
  await launched[0]?.kill("SIGTERM");
  await vi.waitFor(() => expect(alive()).toBe(1));
  await vi.waitFor(() => expect(member.isUp()).toBe(true));
  expect(fell).toEqual(["SIGTERM"]);
});

test("frozen, it is not up until it is thawed; a kill ends it all the same", async () => {
  await member.start();
  member.freeze();
  expect([member.isUp(), alive()]).toEqual([false, 1]);
  member.thaw();
  expect(member.isUp()).toBe(true);
  member.freeze();
  await member.kill();
  expect([alive(), fell]).toEqual([0, []]);
  await member.start();
  expect(member.isUp()).toBe(true);
});
