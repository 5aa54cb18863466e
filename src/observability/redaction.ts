/**
 * Log fields with personal data, by their names in code and JSON: their values are masked in all
 * log lines. Fields of requests are marked in the contract (debug_redact).
 */
export const PERSONAL_FIELDS: readonly string[] = [
  "invoiceEmail",
  "invoiceTitle",
  "taxPayerCode",
  "taxCode",
  "rechargeAccount",
  "email",
  "phone",
  "mobile",
];

/** A value in a message of the database: "Incorrect integer value: 'x' for column `c`". */
const DATABASE_VALUE = /\b(value:|entry) '.*?'(?= for |$)/gms;

/** Masks the values that a database quotes in the message of an error. */
export function redactDatabaseValues(text: string): string {
  return text.replace(DATABASE_VALUE, "$1 '***'");
}

/**
 * Masks the personal data of a JSON object in a text, such as an external system's answer to it.
 */
export function redactPersonalValues(text: string, body: Readonly<Record<string, unknown>>): string {
  return PERSONAL_FIELDS.map((field) => body[field])
    .filter((value) => typeof value === "string" && value !== "")
    .reduce<string>((masked, value) => masked.replaceAll(value as string, "***"), text);
}

/** User information of a URL with a scheme of the backends or external systems. */
const USER_INFO = /\b((?:mysql|rediss?|nats|tls|https?):\/\/)([^\s"'<>]*)@/gi;

/** Removes passwords and tokens from all URLs in a text, such as an error message of a driver. */
export function redactUrls(text: string): string {
  return redactParameters(
    text.replace(USER_INFO, (_, scheme: string, userInfo: string) => scheme + redactUserInfo(userInfo)),
  );
}

/** Removes password and token from a value that should be a URL, but may be malformed. */
export function redactUrl(value: string): string {
  const [, scheme = "", userInfo, rest = ""] = /^([a-z][a-z\d+.-]*:\/\/)?(.*)@(.*)$/is.exec(value) ?? [];
  return redactParameters(userInfo === undefined ? value : `${scheme}${redactUserInfo(userInfo)}${rest}`);
}

/** A user without a password may be a token, so it is redacted too. */
function redactUserInfo(userInfo: string): string {
  const user = /^[^:/?#@]*(?=:)/.exec(userInfo)?.[0];
  return user === undefined ? "***@" : `${user}:***@`;
}

function redactParameters(text: string): string {
  return text.replace(/([?&](?:pass\w*|pwd|token|secret|\w*key)=)[^&\s"'#]*/gi, "$1***");
}
