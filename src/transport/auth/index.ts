import type { Logger } from "../../observability/log.ts";
import { DEFAULT_PERMISSIONS } from "./default-permissions.ts";
import { CALLER_NAME_PATTERN, type Credentials, type Identity, unauthenticated } from "./identity.ts";
import { parsePermissionTable } from "./permission-table.ts";
import { createPermissions, type Permissions, rolesOf } from "./permissions.ts";
import { createTokenVerifier, type TokenClaims, type TokenOptions } from "./tokens.ts";
import { watchFile } from "./watched-file.ts";

export type { Credentials, Identity } from "./identity.ts";
export type { Permissions } from "./permissions.ts";

export interface AuthOptions {
  /** Whose tokens are believed; undefined: none. */
  readonly tokens: TokenOptions | undefined;
  /** Whether the name in a verified client certificate is believed. */
  readonly certificates: boolean;
  /** The table of rights; undefined: the one of default-rights.ts. */
  readonly rightsFile: string | undefined;
}

/** Says who calls, and what a caller may do. */
export interface Auth {
  /** @throws OperationError "unauthenticated" */
  authenticate(evidence: Credentials): Identity | Promise<Identity>;
  permissionsOf(identity: Identity): Permissions;
  close(): void;
}

/**
 * Opens what proves callers: tokens, client certificates, or both; then either will do, and a token goes first.
 *
 * @param rpcs all that there are, as `Service/Rpc`
 * @throws Error that names the file and the place, for a table of rights or keys that cannot be used
 */
export function openAuth(
  { tokens, certificates, rightsFile }: AuthOptions,
  rpcs: readonly string[],
  log: Logger,
): Auth {
  const verifier = tokens && createTokenVerifier(tokens, log);
  const prepare = (text: string) => {
    const table = parsePermissionTable(text, rpcs);
    return { table, rights: createPermissions(table) };
  };
  const byDefault = {
    value: { table: DEFAULT_PERMISSIONS, rights: createPermissions(DEFAULT_PERMISSIONS) },
    close() {},
  };
  const current = rightsFile === undefined ? byDefault : watchFile(rightsFile, prepare, log);
  const identity = (name: string, roles: readonly string[] = [], until?: number): Identity => ({
    name,
    roles: rolesOf(current.value.table, name, roles),
    until,
  });
  const ofToken = ({ name, roles, until }: TokenClaims) => identity(name, roles, until);
  const wanted = [tokens && "a bearer token", certificates && "a client certificate"].filter(Boolean).join(" or ");

  return {
    authenticate({ authorization, certificateName, authenticatedName }) {
      const token = /^bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
      if (authenticatedName !== undefined) {
        return identity(authenticatedName);
      }
      if (verifier !== undefined && token !== undefined) {
        const claims = verifier.verify(token);
        return claims instanceof Promise ? claims.then(ofToken) : ofToken(claims);
      }
      if (certificates && certificateName !== undefined) {
        if (!CALLER_NAME_PATTERN.test(certificateName)) {
          throw unauthenticated("the certificate's name must be the caller's name, 1 to 64 printable ASCII characters");
        }
        return identity(certificateName);
      }
      throw unauthenticated(`say who you are: ${wanted} is needed`);
    },
    permissionsOf: (identity) => current.value.rights(identity),
    close() {
      verifier?.close();
      current.close();
    },
  };
}
