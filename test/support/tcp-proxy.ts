import { afterAll, beforeAll } from "vitest";
import { type Accident, type Door, openTcpProxy, type TcpProxy } from "../../faults/tcp-proxy.ts";

/** A way to a server that can be made to break in between, for the tests of a file. */
export interface FileProxy {
  /** The server's URL with the proxy's port. Known once the file's tests begin. */
  readonly url: string;
  /** How many accidents are still to come. */
  readonly accidentsLeft: number;
  /** How many connections met a door that was not open. */
  readonly turnedAway: number;
  /** The next message that a client sends with this text in it meets with the accident; so do the `times` - 1 after it. */
  arrange(text: string, accident: Accident, times?: number): void;
  /** No accidents any more. */
  disarm(): void;
  /** For new connections; those that are open stay. */
  setDoor(door: Door): void;
  /** Ends all open connections. */
  cut(): void;
}

/** A proxy before a server, for the tests of this file. */
export function useTcpProxy(target: string | (() => string)): FileProxy {
  let proxy: TcpProxy | undefined;
  const targetUrl = () => new URL(typeof target === "string" ? target : target());
  const open = () => {
    if (proxy === undefined) {
      throw new Error("the proxy opens before the file's first test: ask it within a test or a hook");
    }
    return proxy;
  };
  beforeAll(async () => {
    proxy = await openTcpProxy(() => ({ host: targetUrl().hostname, port: Number(targetUrl().port) }));
  });
  afterAll(() => proxy?.close());
  return {
    get url() {
      const url = targetUrl();
      url.hostname = "127.0.0.1";
      url.port = String(open().port);
      return url.href;
    },
    get accidentsLeft() {
      return open().accidentsLeft;
    },
    get turnedAway() {
      return open().turnedAway;
    },
    arrange: (text, accident, times = 1) => open().arrange((message) => message.includes(text), accident, { times }),
    disarm: () => open().disarm(),
    setDoor: (door) => open().setDoor(door),
    cut: () => open().cut(),
  };
}
