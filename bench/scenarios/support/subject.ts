import type { Environment, RunningSubject, Service, ServiceOptions } from "../../environment.ts";

/** Works with the service, and ends it whatever comes of the work. */
export async function withService<T>(
  environment: Environment,
  work: (service: Service) => Promise<T>,
  options?: ServiceOptions,
): Promise<T> {
  return stopAfter(await environment.startService(options), work);
}

/** Works with the service, or with a baseline by its file name. */
export async function withSubject<T>(
  environment: Environment,
  subject: "service" | `${string}.ts`,
  work: (running: RunningSubject) => Promise<T>,
): Promise<T> {
  return subject === "service"
    ? withService(environment, work)
    : stopAfter(await environment.startBaseline(subject), work);
}

/** Works with what runs, and ends it whatever comes of the work. */
export async function stopAfter<R extends RunningSubject, T>(running: R, work: (running: R) => Promise<T>): Promise<T> {
  try {
    return await work(running);
  } finally {
    await running.stop();
  }
}
