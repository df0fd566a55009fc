type Json = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Another system's envelope in our own words: each of our fields, as a dotted path below `data`, is read from theirs. `id` and `type` may be
 * mapped too. Without a map the body is taken as it is. What the map does not name is dropped: theirs may send more than we know.
 */
export function mapFields(body: unknown, fieldMap: Readonly<Record<string, string>>): unknown {
  const entries = Object.entries(fieldMap);
  if (entries.length === 0 || !isObject(body)) return body;
  const mapped: Record<string, unknown> = { id: body['id'], type: body['type'], data: {} };
  for (const [ours, theirs] of entries) {
    const value = theirs.split('.').reduce<unknown>((at, name) => (isObject(at) ? at[name] : undefined), body);
    if (value === undefined) continue;
    put(mapped, ours === 'id' || ours === 'type' ? [ours] : ['data', ...ours.split('.')], value);
  }
  return mapped;
}

function put(into: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [name = '', ...rest] = path;
  if (name === '__proto__' || name === 'constructor' || name === 'prototype') return;
  if (rest.length === 0) {
    into[name] = value;
    return;
  }
  const next = isObject(into[name]) ? (into[name] as Record<string, unknown>) : {};
  into[name] = next;
  put(next, rest, value);
}
