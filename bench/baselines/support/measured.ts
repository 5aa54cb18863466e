/** Lines of a program between which its processor time, and that of the backends, is measured. */
export const BEGIN_LINE = "measurement begins";
export const END_LINE = /^measurement ends: (\d+) changes$/;

/**
 * Does work whose processor time is measured.
 *
 * @param work returns the number of status changes it stands for
 * @returns changes per second
 */
export async function measured(work: () => Promise<number>): Promise<number> {
  console.log(BEGIN_LINE);
  const beganAt = performance.now();
  const changes = await work();
  const seconds = (performance.now() - beganAt) / 1_000;
  console.log(`measurement ends: ${changes} changes`);
  return changes / seconds;
}
