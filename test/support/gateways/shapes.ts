import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

type Shape = { readonly [name: string]: unknown };

const shapes = new Map<string, Shape>();

/** An answer in the shape the provider documents (`fixtures/<provider>.json`), with what is particular to this one put in. */
export function shaped(provider: 'paypal' | 'wise' | 'stripe', name: string, particular: Shape = {}): Shape {
  let all = shapes.get(provider);
  if (all === undefined) {
    const path = fileURLToPath(new URL(`./fixtures/${provider}.json`, import.meta.url));
    all = JSON.parse(readFileSync(path, 'utf8')) as Shape;
    shapes.set(provider, all);
  }
  const shape = all[name];
  if (!isShape(shape)) throw new Error(`no fixture ${provider}.${name}`);
  return merged(shape, particular);
}

function isShape(value: unknown): value is Shape {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function merged(base: Shape, over: Shape): Shape {
  const result: Record<string, unknown> = structuredClone(base);
  for (const [name, value] of Object.entries(over)) {
    const before = result[name];
    result[name] = isShape(before) && isShape(value) ? merged(before, value) : value;
  }
  return result;
}
