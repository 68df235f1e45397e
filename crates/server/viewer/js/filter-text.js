// @ts-check
// Conditions as text: what the filter's controls say, in the server's language, and back.

/**
 * What is asked of one column: the ends of a range as they are written, or a choice of values.
 * @typedef {{ low?: string, high?: string, values?: string[] }} Choice
 * @typedef {{ columns: Map<string, Choice>, free: string }} Condition
 */

const quoted = (/** @type {string} */ text) => `'${text.replaceAll("'", "''")}'`;
const column = (/** @type {string} */ name) => `"${name.replaceAll('"', '""')}"`;
/** Numbers stand bare, times in quotes. @param {string} value */
const literal = (value) => (/^-?[\d.]+(e[+-]?\d+)?$/i.test(value) ? value : quoted(value));

/** The condition as text; empty if nothing is asked. @param {Condition} condition */
export function writeFilter({ columns, free }) {
  const clauses = [...columns].flatMap(([name, { low, high, values }]) => {
    if (values?.length === 1 && ["true", "false"].includes(values[0])) return [`${column(name)} = ${values[0]}`];
    if (values?.length) return [`${column(name)} in (${values.map(quoted).join(", ")})`];
    if (low !== undefined && high !== undefined) return [`${column(name)} between ${literal(low)} and ${literal(high)}`];
    if (low !== undefined) return [`${column(name)} >= ${literal(low)}`];
    return high === undefined ? [] : [`${column(name)} <= ${literal(high)}`];
  });
  const text = free.trim();
  if (text) clauses.push(clauses.length > 0 ? `(${text})` : text);
  return clauses.join(" and ");
}

const NAME = String.raw`"((?:[^"]|"")+)"`;
const VALUE = String.raw`('(?:[^']|'')*'|[^\s')]+)`;
const BETWEEN = new RegExp(`^${NAME} between ${VALUE} and ${VALUE}`);
const END = new RegExp(`^${NAME} (>=|<=) ${VALUE}`);
const IN = new RegExp(String.raw`^${NAME} in \(('(?:[^']|'')*'(?:, '(?:[^']|'')*')*)\)`);
const IS = new RegExp(`^${NAME} = (true|false)`);
const plain = (/** @type {string} */ value) => (value.startsWith("'") ? value.slice(1, -1).replaceAll("''", "'") : value);

/** Reads a condition; what the controls can't show is left as free text. @param {string} text @returns {Condition} */
export function readFilter(text) {
  /** @type {Condition} */
  const condition = { columns: new Map(), free: "" };
  let rest = text.trim();
  while (rest) {
    const found = readClause(rest);
    // A clause must be followed by another one, or by nothing.
    const after = found && rest.slice(found.length);
    if (!found || (after && !after.startsWith(" and ")) || condition.columns.has(found.name)) break;
    condition.columns.set(found.name, found.choice);
    rest = (after ?? "").slice(5);
  }
  // An `or` after clauses would bind them otherwise than here.
  const inParentheses = /^\((.*)\)$/s.exec(rest);
  if (rest && condition.columns.size > 0 && !inParentheses) return { columns: new Map(), free: text.trim() };
  condition.free = condition.columns.size > 0 && inParentheses ? inParentheses[1] : rest;
  return condition;
}

/** @param {string} text @returns {{ name: string, choice: Choice, length: number } | undefined} */
function readClause(text) {
  const name = (/** @type {RegExpExecArray} */ found) => found[1].replaceAll('""', '"');
  let found = BETWEEN.exec(text);
  if (found) return { name: name(found), choice: { low: plain(found[2]), high: plain(found[3]) }, length: found[0].length };
  found = END.exec(text);
  if (found) {
    const end = plain(found[3]);
    return { name: name(found), choice: found[2] === ">=" ? { low: end } : { high: end }, length: found[0].length };
  }
  found = IN.exec(text);
  if (found) {
    const values = [...found[2].matchAll(/'((?:[^']|'')*)'/g)].map(([, value]) => value.replaceAll("''", "'"));
    return { name: name(found), choice: { values }, length: found[0].length };
  }
  found = IS.exec(text);
  return found ? { name: name(found), choice: { values: [found[2]] }, length: found[0].length } : undefined;
}
