/**
 * Preloaded into a service process (`node --import`): shifts its wall clock by the milliseconds in
 * the file `clock-offset` of the working directory. The monotonic clock and timers are not changed,
 * as after a jump of the machine's clock.
 */
import { readFileSync } from "node:fs";

const POLL_MS = 50;

const RealDate = Date;
let offset = 0;

const now = () => RealDate.now() + offset;

function readOffset() {
  try {
    offset = Number(readFileSync("clock-offset", "utf8")) || 0;
  } catch {
    offset = 0;
  }
}

readOffset();
setInterval(readOffset, POLL_MS).unref();

globalThis.Date = new Proxy(RealDate, {
  apply: () => new RealDate(now()).toString(),
  construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  get: (target, key, receiver) => (key === "now" ? now : Reflect.get(target, key, receiver)),
});
