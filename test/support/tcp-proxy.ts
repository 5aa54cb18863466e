import { afterAll, beforeAll } from "vitest";
import { type AcceptMode, type Disruption, openTcpProxy, type TcpProxy } from "../../tools/testkit/tcp-proxy.ts";

/** A way to a server that can be made to break in between, for the tests of a file. */
export interface FileProxy {
  /** The server's URL with the proxy's port. Known once the file's tests begin. */
  readonly url: string;
  /** How many accidents are still to come. */
  readonly pendingDisruptions: number;
  /** How many connections met a door that was not open. */
  readonly rejectedConnections: number;
  /** The next message that a client sends with this text in it meets with the accident; so do the `times` - 1 after it. */
  disruptNext(text: string, accident: Disruption, times?: number): void;
  /** No accidents any more. */
  clearDisruptions(): void;
  /** For new connections; those that are open stay. */
  setAcceptMode(door: AcceptMode): void;
  /** Ends all open connections. */
  closeConnections(): void;
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
    get pendingDisruptions() {
      return open().pendingDisruptions;
    },
    get rejectedConnections() {
      return open().rejectedConnections;
    },
    disruptNext: (text, accident, times = 1) =>
      open().disruptNext((message) => message.includes(text), accident, { times }),
    clearDisruptions: () => open().clearDisruptions(),
    setAcceptMode: (door) => open().setAcceptMode(door),
    closeConnections: () => open().closeConnections(),
  };
}
