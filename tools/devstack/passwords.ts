import { randomBytes } from "node:crypto";
import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writePrivateFile } from "./private-file.ts";
import { StackError } from "./startup-errors.ts";

/** Users of the embedded servers. Those of MariaDB are the ones of deploy/mysql. */
const USERS = {
  mariadb: ["root", "oms_migrate", "oms_service", "oms_retention"],
  redis: ["default"],
  nats: ["oms"],
} as const;

type Server = keyof typeof USERS;

/** Passwords by server and user. */
export type Passwords = { readonly [S in Server]: Readonly<Record<(typeof USERS)[S][number], string>> };

/** A user of the embedded database. */
export type DatabaseUser = (typeof USERS)["mariadb"][number];

/** What needs no quoting in SQL, URLs and configuration files. */
const VALID = /^[\w-]{16,64}$/;

const PASSWORD_BYTES = 24;

type Contents = Partial<Record<string, Partial<Record<string, unknown>>>>;

function fileIn(dataDir: string): string {
  return join(dataDir, "passwords.json");
}

function readContents(dataDir: string): Contents {
  const file = fileIn(dataDir);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return {};
    }
    throw error;
  }
  try {
    return JSON.parse(text) as Contents;
  } catch (error) {
    throw damaged(file, (error as Error).message);
  }
}

function damaged(file: string, reason: string): StackError {
  return new StackError(
    `The passwords of the embedded servers in ${file} cannot be used: ${reason}.`,
    "Correct that file, or remove it: new passwords are then generated.",
  );
}

function isComplete(contents: Contents): contents is Contents & Passwords {
  return Object.entries(USERS).every(([server, users]) =>
    users.every((user) => typeof contents[server]?.[user] === "string"),
  );
}

/** New passwords for all users, but for those that `existing` has. */
function complete(existing: Contents, invalid: (name: string) => Error): Passwords {
  const entries = Object.entries(USERS).map(([server, users]) => [
    server,
    Object.fromEntries(
      users.map((user) => {
        const password = existing[server]?.[user] ?? randomBytes(PASSWORD_BYTES).toString("base64url");
        if (typeof password !== "string" || !VALID.test(password)) {
          throw invalid(`${server}.${user}`);
        }
        return [user, password];
      }),
    ),
  ]);
  return Object.fromEntries(entries) as Passwords;
}

/** New random passwords. */
export function generatePasswords(): Passwords {
  return complete({}, (name) => new Error(`invalid password of ${name}`));
}

/**
 * The passwords of a data directory, in a file that only this user can read. Missing ones are
 * generated; a server adopts them at its next start. Only for the owner of the directory.
 *
 * @throws StackError if the file is damaged
 */
export function ensurePasswords(dataDir: string): Passwords {
  const file = fileIn(dataDir);
  const existing = readContents(dataDir);
  const passwords = complete(existing, (name) =>
    damaged(file, `expected ${name} to be 16 to 64 letters, digits, _ or -`),
  );
  if (isComplete(existing)) {
    chmodSync(file, 0o600);
  } else {
    writePrivateFile(file, `${JSON.stringify(passwords, null, 2)}\n`);
  }
  return passwords;
}

/** The passwords of a data directory; undefined if it has none. */
export function findPasswords(dataDir: string): Passwords | undefined {
  try {
    const contents = readContents(dataDir);
    return isComplete(contents) ? contents : undefined;
  } catch {
    // Not readable for this user, or damaged: the next start reports it.
    return undefined;
  }
}
