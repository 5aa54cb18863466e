import { afterAll, beforeAll } from "vitest";
import { type AcceptMode, type Disruption, openTcpProxy, type TcpProxy } from "../../tools/testkit/tcp-proxy.ts";

/** A fault-injecting proxy in front of a server, for the tests of one file. */
export interface FileProxy {
  /** The server's URL with the proxy's port; available in hooks and tests. */
  readonly url: string;
  /** Number of disruptions that have not happened yet. */
  readonly pendingDisruptions: number;
  /** Number of connections that were not forwarded. */
  readonly rejectedConnections: number;
  /** Disrupts the next message that contains this text, and the `times` - 1 after it. */
  disruptNext(text: string, disruption: Disruption, times?: number): void;
  /** Cancels pending disruptions. */
  clearDisruptions(): void;
  /** For new connections; open ones are kept. */
  setAcceptMode(mode: AcceptMode): void;
  /** Closes all open connections. */
  closeConnections(): void;
}

/** Opens a proxy in front of a server for the tests of the calling file. */
export function useTcpProxy(target: string | (() => string)): FileProxy {
  let proxy: TcpProxy | undefined;
  const targetUrl = () => new URL(typeof target === "string" ? target : target());
  const open = () => {
    if (proxy === undefined) {
      throw new Error("the proxy opens in beforeAll: use it in a hook or a test");
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
    disruptNext: (text, disruption, times = 1) =>
      open().disruptNext((message) => message.includes(text), disruption, { times }),
    clearDisruptions: () => open().clearDisruptions(),
    setAcceptMode: (mode) => open().setAcceptMode(mode),
    closeConnections: () => open().closeConnections(),
  };
}
