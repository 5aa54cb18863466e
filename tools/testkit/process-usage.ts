import { readFileSync } from "node:fs";

/** Linux reports processor time in hundredths of a second, independent of its clock rate. */
const TICKS_PER_SECOND = 100;

/** Resident memory of a process, in MB; 0 when it has exited. */
export function residentMemoryOf(pid: number): number {
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(read(pid, "status"))?.[1] ?? 0) / 1024);
}

/** Processor time that a process has used, in seconds; 0 when it has exited. */
export function cpuSecondsOf(pid: number): number {
  // The command in parentheses may contain anything; the 12th and 13th fields after it are user and
  // system time.
  const fields = read(pid, "stat")
    .replace(/^.*\) /s, "")
    .split(" ");
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / TICKS_PER_SECOND;
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}
