import type { Server, ServerWritableStream, UntypedHandleCall } from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";
import type { BuiltInService } from "../wire/reflection.ts";

/** What stands beside the service on a gRPC server: reflection and health. */
export interface BuiltInServices {
  /** Says NOT_SERVING, and ends the streams that would hold up the server's end. */
  shutDown(): void;
}

/** Adds reflection, and grpc.health.v1 for "" and each service, to a server. */
export function addBuiltInServices(
  server: Server,
  services: readonly string[],
  reflection: readonly BuiltInService[],
): BuiltInServices {
  const open = new Set<ServerWritableStream<unknown, unknown>>();
  const names = ["", ...services];
  const health = new HealthImplementation(Object.fromEntries(names.map((name) => [name, "SERVING"])));

  function add({ definition, implementation }: BuiltInService): void {
    const handlers = Object.entries(implementation).map(([name, handle]) => [name, endable(handle)]);
    server.addService(definition, Object.fromEntries(handlers));
  }

  /** A stream of another's making, which knows no end, gets one. Unary handlers take a callback as well. */
  function endable(handle: UntypedHandleCall): UntypedHandleCall {
    if (handle.length > 1) {
      return handle;
    }
    return (stream: ServerWritableStream<unknown, unknown>) => {
      open.add(stream);
      stream.once("close", () => open.delete(stream));
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
    shutDown() {
      for (const name of names) {
        health.setStatus(name, "NOT_SERVING");
      }
      for (const stream of open) {
        stream.end();
      }
    },
  };
}
