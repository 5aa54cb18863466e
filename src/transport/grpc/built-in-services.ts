import type { Server, ServerWritableStream, UntypedHandleCall } from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";
import type { BuiltInService } from "../wire/reflection.ts";

/** Health and reflection. */
export interface BuiltInServices {
  /** Reports NOT_SERVING, and ends open streams, which would delay the shutdown. */
  shutDown(): void;
  /** The paths of their RPCs. */
  readonly paths: readonly string[];
}

/** Adds reflection, and grpc.health.v1 for "" and each service, to a server. */
export function addBuiltInServices(
  server: Server,
  services: readonly string[],
  reflection: readonly BuiltInService[],
): BuiltInServices {
  const paths: string[] = [];
  const streams = new Set<ServerWritableStream<unknown, unknown>>();
  const names = ["", ...services];
  const health = new HealthImplementation(Object.fromEntries(names.map((name) => [name, "SERVING"])));

  function add({ definition, implementation }: BuiltInService): void {
    const handlers = Object.entries(implementation).map(([name, handle]) => [name, trackStreams(handle)]);
    server.addService(definition, Object.fromEntries(handlers));
    paths.push(...Object.values(definition).map(({ path }) => path));
  }

  /** Wraps a streaming handler; a unary one has a second parameter, the callback. */
  function trackStreams(handle: UntypedHandleCall): UntypedHandleCall {
    if (handle.length > 1) {
      return handle;
    }
    return (stream: ServerWritableStream<unknown, unknown>) => {
      streams.add(stream);
      stream.once("close", () => streams.delete(stream));
      (handle as (stream: ServerWritableStream<unknown, unknown>) => void)(stream);
    };
  }

  for (const service of reflection) {
    add(service);
  }
  health.addToServer({
    addService: (definition, implementation) => add({ definition, implementation } as BuiltInService),
  });
  return {
    paths,
    shutDown() {
      for (const name of names) {
        health.setStatus(name, "NOT_SERVING");
      }
      for (const stream of streams) {
        stream.end();
      }
    },
  };
}
