/** What came of a call: a message; or turned away for overload, to come again later; or anything else. */
export type Reply = Buffer | "refused" | "failed";

/** As much of a client as the load needs. */
export interface Connection {
  call(path: string, body: Uint8Array, done: (answer: Reply) => void): void;
  close(): void;
}
