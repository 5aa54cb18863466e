import { createExternalClient, type ExternalClient, type ExternalClientOptions } from "./external-client.ts";
import { EXTERNAL_SYSTEMS, forEachSystem, type SystemName, type SystemOperation, type SystemUrls } from "./systems.ts";

/**
 * A client for each external system: one for each of its operations, or one for the system where it
 * has none.
 */
export type SystemClients = {
  readonly [N in SystemName]: [SystemOperation<N>] extends [never]
    ? ExternalClient
    : { readonly [O in SystemOperation<N>]: ExternalClient };
};

/**
 * Opens the clients of all external systems. Each operation has connections of its own: one that
 * hangs delays no other.
 */
export function createSystemClients({
  urls,
  ...options
}: { readonly urls: SystemUrls } & Omit<ExternalClientOptions, "name" | "url">): {
  readonly clients: SystemClients;
  close(): void;
} {
  const opened: ExternalClient[] = [];
  const open = (name: string, url: string) => {
    const client = createExternalClient({ ...options, name, url });
    opened.push(client);
    return client;
  };
  const clients = forEachSystem((system) => {
    const { title, operations }: { readonly title: string; readonly operations: readonly string[] } =
      EXTERNAL_SYSTEMS[system];
    const url = urls[system];
    return operations.length === 0
      ? open(title, url)
      : Object.fromEntries(operations.map((path) => [path, open(title, `${url.replace(/\/$/, "")}/${path}`)]));
  });
  return {
    clients: clients as unknown as SystemClients,
    close() {
      for (const client of opened) {
        client.close();
      }
    },
  };
}
