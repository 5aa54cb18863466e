import {
  type Server,
  type ServerDuplexStream,
  type ServerWritableStream,
  status,
  type UntypedHandleCall,
} from "@grpc/grpc-js";
import { MAX_REFLECTION_REQUESTS } from "../limits.ts";
import type { BuiltInService } from "../wire/reflection.ts";
import { TOO_MANY_REQUESTS } from "../wire/reflection.ts";
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

  const limited = reflection.map(({ definition, implementation }) => ({
    definition,
    implementation: Object.fromEntries(Object.entries(implementation).map(([name, handle]) => [name, limit(handle)])),
  }));
  for (const { definition, implementation } of [...limited, health.service]) {
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

type Duplex = ServerDuplexStream<unknown, unknown>;

/** Limits the requests of a call of reflection, and reads them as fast as its answers are read. */
function limit(handle: UntypedHandleCall): UntypedHandleCall {
  return (stream: Duplex) => {
    let requests = 0;
    (handle as (stream: Duplex) => void)(stream);
    stream.on("data", () => {
      requests += 1;
      if (requests > MAX_REFLECTION_REQUESTS) {
        stream.removeAllListeners("data");
        stream.emit("error", { code: status.RESOURCE_EXHAUSTED, details: TOO_MANY_REQUESTS });
      } else if (stream.writableNeedDrain) {
        stream.pause();
        stream.once("drain", () => stream.resume());
      }
    });
  };
}
