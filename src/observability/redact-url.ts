/** The schemes of the servers and neighbours behind us. */
const ADDRESS = /\b((?:mysql|rediss?|nats|tls|https?):\/\/)([^\s"'<>]*)@/gi;

/** A text in which addresses show no password and no token: messages end up in logs. */
export function redactUrls(text: string): string {
  return withoutSecretParameters(text.replace(ADDRESS, (_, scheme: string, shown: string) => scheme + hidden(shown)));
}

/** The same for one value that should be an address, whatever it is. */
export function redactUrl(value: string): string {
  const [, scheme = "", shown, rest = ""] = /^([a-z][a-z\d+.-]*:\/\/)?(.*)@(.*)$/is.exec(value) ?? [];
  return withoutSecretParameters(shown === undefined ? value : `${scheme}${hidden(shown)}${rest}`);
}

/** Without a password what looks like the user may be a token. */
function hidden(shown: string): string {
  const user = /^[^:/?#@]*(?=:)/.exec(shown)?.[0];
  return user === undefined ? "***@" : `${user}:***@`;
}

function withoutSecretParameters(text: string): string {
  return text.replace(/([?&](?:pass\w*|pwd|token|secret|\w*key)=)[^&\s"'#]*/gi, "$1***");
}
