import { type Json, type Leaf, parseJsonTree } from "./read-json.ts";

/** How two values differ: as values, as types (1 and "1"), by being in one answer only (missing from ours, or added by us). */
export type DifferenceKind = "value" | "type" | "missing" | "added";

/** Something that two answers to the same call do not have in common, fit to be shown to people. */
export interface Difference {
  /** Where: `orderSources[].orderSourceValue`, or in parentheses what is no field, for example `(http status)`. */
  readonly field: string;
  readonly kind: DifferenceKind;
  /** What we say, masked where it may be personal data; empty where we say nothing. */
  readonly ours: string;
  /** What the old system says, likewise. */
  readonly theirs: string;
}

/** An answer as it came over HTTP. */
export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}

/** Differences of one answer that are told: more of them say nothing new. */
const MAX_DIFFERENCES = 50;

/** Characters of a field's path, and of a value. */
const MAX_FIELD = 128;
const MAX_VALUE = 120;

/** Names that programs give to fields; others may be data, and personal. */
const NAME = /^[A-Za-z_]\w{0,63}$/;

/**
 * Holds our answer against the old system's.
 *
 * @param shown the names of the fields whose values are no personal data; "(text)" among them shows bodies of plain text
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
    const form = (value: Json | undefined) => (value === undefined ? "text" : "JSON");
    yield { field: "(form)", kind: "type", ours: form(our), theirs: form(their) };
  }
}

/** Where a comparison has come to. */
interface Place {
  /** The fields on the way, lists as `[]`. */
  readonly path: string;
  /** The last field of them. */
  readonly name: string;
  /** The indexes on the way: `[2][0]`. */
  readonly at: string;
  readonly shown: ReadonlySet<string>;
}

function* compareValues(place: Place, ours: Json, theirs: Json): Generator<Difference> {
  if (Array.isArray(ours) && Array.isArray(theirs)) {
    yield* compareLists(place, ours, theirs);
  } else if (ours instanceof Map && theirs instanceof Map) {
    yield* compareObjects(place, ours, theirs);
  } else if (typeOf(ours) !== typeOf(theirs)) {
    yield difference(place, "type", ours, theirs);
  } else if (!isSameLeaf(ours as Leaf, theirs as Leaf)) {
    yield difference(place, "value", ours, theirs);
  }
}

/** In order. Lists of different lengths are told apart by those alone: which item is one too many, nobody knows. */
function* compareLists({ path, name, at, shown }: Place, ours: Json[], theirs: Json[]): Generator<Difference> {
  if (ours.length !== theirs.length) {
    const [one, other] = [ours, theirs].map((list) => withPlace(at, String(list.length)));
    yield { field: `${path}[].(length)`, kind: "value", ours: one as string, theirs: other as string };
    return;
  }
  for (const [index, our] of ours.entries()) {
    yield* compareValues({ path: `${path}[]`, name, at: `${at}[${index}]`, shown }, our, theirs[index] as Json);
  }
}

function* compareObjects(place: Place, ours: Map<string, Json>, theirs: Map<string, Json>): Generator<Difference> {
  const names = [...ours.keys()];
  const theirNames = [...theirs.keys()];
  const bothFailed = place.path === "" && isFailure(ours) && isFailure(theirs);
  for (const [name, our] of ours) {
    // Each system has its own words for a failure.
    if (bothFailed && name === "message") {
      continue;
    }
    const their = theirs.get(name);
    const field = within(place, name);
    yield* their === undefined ? [difference(field, "added", our, undefined)] : compareValues(field, our, their);
  }
  for (const [name, their] of theirs) {
    if (!ours.has(name)) {
      yield difference(within(place, name), "missing", undefined, their);
    }
  }
  const sameNames = names.length === theirNames.length && names.every((name) => theirs.has(name));
  if (sameNames && names.some((name, index) => name !== theirNames[index])) {
    const [one, other] = [names, theirNames].map((list) => withPlace(place.at, list.map(safeName).join(", ")));
    yield { field: below(place.path, "(key order)"), kind: "value", ours: one as string, theirs: other as string };
  }
}

function isFailure(answer: Map<string, Json>): boolean {
  const result = answer.get("result");
  return result !== undefined && typeOf(result) === "number" && (result as Leaf).text === "0";
}

function within({ path, at, shown }: Place, name: string): Place {
  return { path: below(path, safeName(name)), name, at, shown };
}

function below(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

function safeName(name: string): string {
  return NAME.test(name) ? name : "(odd name)";
}

function difference(
  { path, name, at, shown }: Place,
  kind: DifferenceKind,
  ours: Json | undefined,
  theirs: Json | undefined,
): Difference {
  const show = (value: Json | undefined) =>
    value === undefined ? "" : withPlace(at, describe(value, shown.has(name)));
  return { field: path, kind, ours: show(ours), theirs: show(theirs) };
}

function withPlace(at: string, text: string): string {
  return at === "" ? text : `${at} ${text}`;
}

function typeOf(value: Json): Leaf["type"] | "list" | "object" {
  if (Array.isArray(value)) {
    return "list";
  }
  return value instanceof Map ? "object" : value.type;
}

/** 1 and 1.0 differ: who reads a whole number stumbles over the point. 1.5 and 1.50 do not. */
function isSameLeaf(ours: Leaf, theirs: Leaf): boolean {
  if (ours.text === theirs.text) {
    return true;
  }
  const bothFractions = ours.type === "number" && [ours, theirs].every(({ text }) => !/^-?\d+$/.test(text));
  return bothFractions && Number(ours.text) === Number(theirs.text) && Number.isFinite(Number(ours.text));
}

/** What holds other values is told by its size: what is in it may have any name. */
function describe(value: Json, isShown: boolean): string {
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
