import { type JsonTree, type Leaf, parseJsonTree } from "../../wire/lossless-json.ts";

/**
 * How two values differ: in value, in type (1 and "1"), or because only one answer has it (missing
 * from ours, added by ours).
 */
export type DifferenceKind = "value" | "type" | "missing" | "added";

/** A difference between two answers to the same call, without personal data. */
export interface Difference {
  /**
   * For example `orderSources[].orderSourceName`; in parentheses if not a field: `(http status)`.
   */
  readonly field: string;
  readonly kind: DifferenceKind;
  /** Our value, masked if it may be personal data; empty if there is none. */
  readonly ours: string;
  /** The legacy system's value, likewise. */
  readonly theirs: string;
}

/** An answer over HTTP. */
export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}

/** Maximum number of differences per answer. */
const MAX_DIFFERENCES = 50;

/** Maximum lengths of a field's path and of a value, in characters. */
const MAX_FIELD = 128;
const MAX_VALUE = 120;

/** A field name given by a program; any other may be personal data. */
const NAME = /^[A-Za-z_]\w{0,63}$/;

/**
 * Compares our answer with the legacy system's.
 *
 * @param shown names of the fields whose values are not personal data; "(text)" stands for
 * plain-text bodies
 */
export function compareAnswers(ours: HttpAnswer, theirs: HttpAnswer, shown: ReadonlySet<string>): Difference[] {
  const found: Difference[] = [];
  for (const difference of differencesOf(ours, theirs, shown)) {
    found.push({
      ...difference,
      field: cut(difference.field, MAX_FIELD),
      ours: cut(difference.ours, MAX_VALUE),
      theirs: cut(difference.theirs, MAX_VALUE),
    });
    if (found.length === MAX_DIFFERENCES) {
      break;
    }
  }
  return found;
}

function* differencesOf(ours: HttpAnswer, theirs: HttpAnswer, shown: ReadonlySet<string>): Generator<Difference> {
  if (ours.status !== theirs.status) {
    yield { field: "(http status)", kind: "value", ours: String(ours.status), theirs: String(theirs.status) };
  }
  if (ours.text === theirs.text) {
    return;
  }
  const [our, their] = [parseJsonTree(ours.text), parseJsonTree(theirs.text)];
  if (our !== undefined && their !== undefined) {
    yield* compareValues({ path: "", name: "", at: "", shown }, our, their);
  } else if (our === undefined && their === undefined) {
    const [one, other] = [ours.text, theirs.text].map((text) => (shown.has("(text)") ? text : mask(text)));
    yield { field: "(text)", kind: "value", ours: one as string, theirs: other as string };
  } else {
    const form = (value: JsonTree | undefined) => (value === undefined ? "text" : "JSON");
    yield { field: "(form)", kind: "type", ours: form(our), theirs: form(their) };
  }
}

/** The current position in both trees. */
interface Position {
  /** The path of fields; a list is `[]`. */
  readonly path: string;
  /** The last field of the path. */
  readonly name: string;
  /** The list indexes of the path: `[2][0]`. */
  readonly at: string;
  readonly shown: ReadonlySet<string>;
}

function* compareValues(position: Position, ours: JsonTree, theirs: JsonTree): Generator<Difference> {
  if (Array.isArray(ours) && Array.isArray(theirs)) {
    yield* compareLists(position, ours, theirs);
  } else if (ours instanceof Map && theirs instanceof Map) {
    yield* compareObjects(position, ours, theirs);
  } else if (typeOf(ours) !== typeOf(theirs)) {
    yield difference(position, "type", ours, theirs);
  } else if (!isSameLeaf(ours as Leaf, theirs as Leaf)) {
    yield difference(position, "value", ours, theirs);
  }
}

/**
 * In order. Of lists with different lengths only the lengths are reported: which items match is
 * unknown.
 */
function* compareLists(
  { path, name, at, shown }: Position,
  ours: JsonTree[],
  theirs: JsonTree[],
): Generator<Difference> {
  if (ours.length !== theirs.length) {
    const [one, other] = [ours, theirs].map((list) => withIndexes(at, String(list.length)));
    yield { field: `${path}[].(length)`, kind: "value", ours: one as string, theirs: other as string };
    return;
  }
  for (const [index, our] of ours.entries()) {
    yield* compareValues({ path: `${path}[]`, name, at: `${at}[${index}]`, shown }, our, theirs[index] as JsonTree);
  }
}

function* compareObjects(
  position: Position,
  ours: Map<string, JsonTree>,
  theirs: Map<string, JsonTree>,
): Generator<Difference> {
  const names = [...ours.keys()];
  const theirNames = [...theirs.keys()];
  const bothFailed = position.path === "" && isFailure(ours) && isFailure(theirs);
  for (const [name, our] of ours) {
    // The systems have different failure messages.
    if (bothFailed && name === "message") {
      continue;
    }
    const their = theirs.get(name);
    const field = within(position, name);
    yield* their === undefined ? [difference(field, "added", our, undefined)] : compareValues(field, our, their);
  }
  for (const [name, their] of theirs) {
    if (!ours.has(name)) {
      yield difference(within(position, name), "missing", undefined, their);
    }
  }
  const sameNames = names.length === theirNames.length && names.every((name) => theirs.has(name));
  if (sameNames && names.some((name, index) => name !== theirNames[index])) {
    const [one, other] = [names, theirNames].map((list) => withIndexes(position.at, list.map(safeName).join(", ")));
    yield { field: below(position.path, "(key order)"), kind: "value", ours: one as string, theirs: other as string };
  }
}

function isFailure(answer: Map<string, JsonTree>): boolean {
  const result = answer.get("result");
  return result !== undefined && typeOf(result) === "number" && (result as Leaf).text === "0";
}

function within({ path, at, shown }: Position, name: string): Position {
  return { path: below(path, safeName(name)), name, at, shown };
}

function below(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

function safeName(name: string): string {
  return NAME.test(name) ? name : "(odd name)";
}

function difference(
  { path, name, at, shown }: Position,
  kind: DifferenceKind,
  ours: JsonTree | undefined,
  theirs: JsonTree | undefined,
): Difference {
  const show = (value: JsonTree | undefined) =>
    value === undefined ? "" : withIndexes(at, describe(value, shown.has(name)));
  return { field: path, kind, ours: show(ours), theirs: show(theirs) };
}

function withIndexes(at: string, text: string): string {
  return at === "" ? text : `${at} ${text}`;
}

function typeOf(value: JsonTree): Leaf["type"] | "list" | "object" {
  if (Array.isArray(value)) {
    return "list";
  }
  return value instanceof Map ? "object" : value.type;
}

/** 1 and 1.0 differ, as integer parsers reject the latter. 1.5 and 1.50 do not. */
function isSameLeaf(ours: Leaf, theirs: Leaf): boolean {
  if (ours.text === theirs.text) {
    return true;
  }
  const bothFractions = ours.type === "number" && [ours, theirs].every(({ text }) => !/^-?\d+$/.test(text));
  return bothFractions && Number(ours.text) === Number(theirs.text) && Number.isFinite(Number(ours.text));
}

/** A list or an object is shown by its size: its fields may hold personal data. */
function describe(value: JsonTree, isShown: boolean): string {
  if (Array.isArray(value)) {
    return `[${countOf(value.length, "item")}]`;
  }
  if (value instanceof Map) {
    return `{${countOf(value.size, "field")}}`;
  }
  const { type, text } = value;
  if (!isShown && type !== "null") {
    return mask(text);
  }
  return type === "string" ? JSON.stringify(text) : text;
}

function mask(text: string): string {
  return `*** (${countOf(text.length, "character")})`;
}

function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function cut(text: string, length: number): string {
  return (text.length <= length ? text : `${text.slice(0, length - 1)}…`).toWellFormed();
}
