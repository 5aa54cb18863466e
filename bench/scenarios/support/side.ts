import type { Environment, Running, Service, ServiceOptions } from "../../environment.ts";

/** Works with the service, and ends it whatever comes of the work. */
export async function withService<T>(
  environment: Environment,
  work: (service: Service) => Promise<T>,
  options?: ServiceOptions,
): Promise<T> {
  return endingIt(await environment.startService(options), work);
}

/** Works with the service, or with a baseline by its file name. */
export async function withSide<T>(
  environment: Environment,
  side: "service" | `${string}.ts`,
  work: (running: Running) => Promise<T>,
): Promise<T> {
  return side === "service" ? withService(environment, work) : endingIt(await environment.startBaseline(side), work);
}

/** Works with what runs, and ends it whatever comes of the work. */
export async function endingIt<R extends Running, T>(running: R, work: (running: R) => Promise<T>): Promise<T> {
  try {
    return await work(running);
  } finally {
    await running.stop();
  }
}
