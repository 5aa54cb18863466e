import type { ServerUnaryCall, ServerWritableStream, sendUnaryData, UntypedServiceImplementation } from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";
import { HEALTH_WATCH_INTERVAL_MS } from "../limits.ts";
import type { BuiltInService } from "../wire/reflection.ts";

/** grpc.health.v1, with the same state as /readyz for the server and each of its services. */
export interface Health {
  readonly service: BuiltInService;
  /** Reports NOT_SERVING from now on. */
  startDraining(): void;
}

interface HealthRequest {
  readonly service: string;
}

type Unary = (call: ServerUnaryCall<HealthRequest, unknown>, respond: sendUnaryData<unknown>) => void;
type Watch = (call: ServerWritableStream<HealthRequest, unknown>) => void;

/**
 * The state is looked up for each request, and periodically only while a client watches it.
 *
 * @param services names of the services besides "", the server itself
 * @param isReady whether the server is ready, as at /readyz
 */
export function createHealth(services: readonly string[], isReady: () => Promise<boolean>): Health {
  const names = ["", ...services];
  const health = new HealthImplementation();
  const watches = new Set<object>();
  let draining = false;
  let timer: NodeJS.Timeout | undefined;
  let reported: boolean | undefined;

  function report(ready: boolean): void {
    const serving = ready && !draining;
    if (serving !== reported) {
      reported = serving;
      for (const name of names) {
        health.setStatus(name, serving ? "SERVING" : "NOT_SERVING");
      }
    }
  }

  const refresh = async () => report(await isReady());

  function addWatch(call: ServerWritableStream<HealthRequest, unknown>): void {
    watches.add(call);
    timer ??= setInterval(refresh, HEALTH_WATCH_INTERVAL_MS).unref();
    call.once("close", () => {
      watches.delete(call);
      if (watches.size === 0) {
        clearInterval(timer);
        timer = undefined;
      }
    });
  }

  function withRefresh({ check, list, watch }: UntypedServiceImplementation): UntypedServiceImplementation {
    const unary =
      (handle: Unary): Unary =>
      (call, respond) =>
        void refresh().then(() => handle(call, respond));
    const watching: Watch = (call) => {
      addWatch(call);
      void refresh().then(() => {
        if (!call.cancelled) {
          (watch as Watch)(call);
        }
      });
    };
    return { check: unary(check as Unary), list: unary(list as Unary), watch: watching };
  }

  const added: BuiltInService[] = [];
  health.addToServer({
    addService: (definition, implementation) =>
      void added.push({ definition, implementation: withRefresh(implementation) }),
  } as Parameters<typeof health.addToServer>[0]);
  return {
    service: added[0] as BuiltInService,
    startDraining() {
      draining = true;
      report(false);
    },
  };
}
