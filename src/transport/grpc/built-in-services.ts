import type { Server, ServerWritableStream, UntypedHandleCall } from "@grpc/grpc-js";
import type { BuiltInService } from "../wire/reflection.ts";
import { createHealth } from "./health.ts";

/** Health and reflection. */
export interface BuiltInServices {
  /** Reports NOT_SERVING. */
  startDraining(): void;
  /** Ends open streams, which would delay the shutdown. */
  shutDown(): void;
  /** The paths of their RPCs. */
  readonly paths: readonly string[];
}

/** Adds reflection and health to a server. */
export function addBuiltInServices(
  server: Server,
  services: readonly string[],
  reflection: readonly BuiltInService[],
  isReady: () => Promise<boolean>,
): BuiltInServices {
  const paths: string[] = [];
  const streams = new Set<ServerWritableStream<unknown, unknown>>();
  const health = createHealth(services, isReady);

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

  for (const { definition, implementation } of [...reflection, health.service]) {
    const handlers = Object.entries(implementation).map(([name, handle]) => [name, trackStreams(handle)]);
    server.addService(definition, Object.fromEntries(handlers));
    paths.push(...Object.values(definition).map(({ path }) => path));
  }
  return {
    paths,
    startDraining: health.startDraining,
    shutDown() {
      for (const stream of streams) {
        stream.end();
      }
    },
  };
}
