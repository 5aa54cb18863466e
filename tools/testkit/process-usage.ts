import { readFileSync } from "node:fs";

/** Linux counts processor time in hundredths of a second, whatever its clock does. */
const TICKS_PER_SECOND = 100;

/** Resident memory of a process, in MB; 0 when it has ended. */
export function residentMemoryOf(pid: number): number {
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(read(pid, "status"))?.[1] ?? 0) / 1024);
}

/** Seconds of processor time that a process took so far; 0 when it has ended. */
export function cpuSecondsOf(pid: number): number {
  // The command, in brackets, may hold anything; the 12th and 13th fields after it are user and system time.
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
