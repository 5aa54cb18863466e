/**
 * Loaded into a service's process before everything else (`node --import`): its wall clock is ahead by the milliseconds in the file
 * `clock-offset` of the working directory. The monotonic clock and timers stay as they are, as after a jump of a machine's clock.
 */
import { readFileSync } from "node:fs";

const LOOK_MS = 50;

const RealDate = Date;
let offset = 0;

const now = () => RealDate.now() + offset;

function look() {
  try {
    offset = Number(readFileSync("clock-offset", "utf8")) || 0;
  } catch {
    offset = 0;
  }
}

look();
setInterval(look, LOOK_MS).unref();

globalThis.Date = new Proxy(RealDate, {
  apply: () => new RealDate(now()).toString(),
  construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  get: (target, key, receiver) => (key === "now" ? now : Reflect.get(target, key, receiver)),
});
