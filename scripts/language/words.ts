/** Words that this project does not use, with the field's terms for them. */
export interface ForbiddenWord {
  readonly pattern: RegExp;
  readonly instead: string;
}

/** A space also matches a line break within a comment. */
const word = (words: string, instead: string): ForbiddenWord => ({
  pattern: new RegExp(`(?<![\\w-])(?:${words.replaceAll(" ", "\\s+(?:\\*\\s+)?")})(?![\\w-])`, "gi"),
  instead,
});

export const FORBIDDEN_WORDS: readonly ForbiddenWord[] = [
  word("nobody", "no caller, no one process, none; name the component"),
  word("somebody|whoever|everybody", "the caller, the operator, any client; name the component"),
  word("whatever", "any, all; or leave it out"),
  word("anew", "again"),
  word("lest", "so that … not"),
  word("tells?|told|telling|teller", "report, notify, return, show; distinguish"),
  word("hears?|heard|unheard|hearing of", "receive, be notified"),
  word("g[ai]ves? up|giving up|given up", "park, discard, stop retrying, time out"),
  word("says?|said|saying", "report, state, return, specify, contain"),
  word("neighbou?rs?", "external system; adjacent"),
  word("surroundings", "endpoints, environment"),
  word("troubles?", "error, failure, problem"),
  word("doors?", "entry point, listener, endpoint"),
  word("upkeep", "retention"),
  word("fronts?(?! ?end| of)", "transport, server"),
  word("newcomers?", "new engineer, added order"),
  word("offenders?", "misbehaving client"),
  word("barred", "blocked"),
  word("errands?", "request, call options"),
  word("companions?", "built-in service"),
  word("mend(?:s|ed|ing)?", "fix, normalize"),
  word("old (?:address(?:es)?|callers?|methods?|names?)", "legacy endpoint, caller, method, name"),
  word("(?:old|former) (?:systems?|tables?|texts?|WSDLs?)", "legacy system, legacy table"),
  word("old news", "stale"),
  word("judge[sd]?|judging|judg(?:e)?ment", "evaluate, decide"),
  word("portions?", "batch, page"),
  word("rims?", "edge, boundary"),
  word("(?:see|sees|saw) to it", "ensure"),
  word("out of reach", "unreachable, unavailable"),
  word("look(?:s|ed|ing)? after", "manage, supervise"),
  word("believe[sd]?|believing", "trust, accept"),
  word("impatien\\w+|patience", "second signal; retry policy"),
  word("so many", "maximum number of, the number"),
  word("for good", "permanently"),
  word("set aside", "deferred"),
  word("goes? on(?! to)|went on|going on", "continue"),
  word("comes? again|come back|comes back|came back", "be redelivered, retry, resume, recover"),
  word("stands? still", "stall"),
  word("put right|puts right", "correct"),
  word("now and then", "periodically"),
  word("where (?:it|an? \\w+|they|the \\w+) stands?", "state, status"),
  word("comes? to nothing|came to nothing", "fail"),
  word("of its own accord|by and by|ere", "use a plain word"),
];
