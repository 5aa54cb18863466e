import { createHash } from "node:crypto";
import { nkeys } from "nats";

interface KeyPair {
  getPublicKey(): string;
  getSeed(): Uint8Array;
  sign(bytes: Uint8Array): Uint8Array;
}

/** A broker's operator with one account, as `nsc` would create it. */
export interface Operator {
  /** The lines of the broker's configuration. */
  readonly configuration: string;
  /** A user's .creds file. */
  creds(user: string): string;
}

/** Creates an operator whose account may use JetStream without limits. */
export function createOperator(): Operator {
  const operator: KeyPair = nkeys.createOperator();
  const account: KeyPair = nkeys.createAccount();
  const system: KeyPair = nkeys.createAccount();
  const noLimits = { subs: -1, data: -1, payload: -1 };
  const limits = {
    ...noLimits,
    ...{ imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 },
    ...{ mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 },
  };
  const ofAccount = claims(operator, account.getPublicKey(), "orders", { type: "account", limits });
  const ofSystem = claims(operator, system.getPublicKey(), "system", { type: "account", limits: noLimits });
  return {
    configuration: [
      `operator: ${claims(operator, operator.getPublicKey(), "company", { type: "operator" })}`,
      "resolver: MEMORY",
      `system_account: ${system.getPublicKey()}`,
      `resolver_preload: { ${account.getPublicKey()}: ${ofAccount}, ${system.getPublicKey()}: ${ofSystem} }`,
    ].join("\n"),
    creds(name) {
      const user: KeyPair = nkeys.createUser();
      const jwt = claims(account, user.getPublicKey(), name, { type: "user", ...noLimits });
      const seed = Buffer.from(user.getSeed()).toString();
      return [
        ...["-----BEGIN NATS USER JWT-----", jwt, "------END NATS USER JWT------", ""],
        ...["-----BEGIN USER NKEY SEED-----", seed, "------END USER NKEY SEED------", ""],
      ].join("\n");
    },
  };
}

function claims(issuer: KeyPair, subject: string, name: string, details: object): string {
  const body = { iat: Math.floor(Date.now() / 1000), iss: issuer.getPublicKey(), name, sub: subject };
  const nats = { ...details, version: 2 };
  const jti = createHash("sha256")
    .update(JSON.stringify({ ...body, nats }))
    .digest("hex");
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${encode({ typ: "JWT", alg: "ed25519-nkey" })}.${encode({ jti, ...body, nats })}`;
  return `${text}.${Buffer.from(issuer.sign(Buffer.from(text))).toString("base64url")}`;
}
