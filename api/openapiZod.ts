import { extendZodWithOpenApi, getOpenApiMetadata, zodToOpenAPIRegistry } from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';

// Adds .openapi() to zod's schemas. Imported first by api/schemas/wire.ts, so that every schema has it.
extendZodWithOpenApi(z);

const prepared = new WeakSet<z.core.$ZodType>();

/**
 * Tells the generator (9.1.0) two things that it gets wrong of a schema and all in it: it asks `safeParse(undefined)` whether a field may
 * be left out, which `.exactOptional()` denies, and drops `null` wherever a field names its type by `.openapi({ type })`, as ours do.
 * Validation is not touched: fields inside an object are never parsed by `safeParse`. Safe to repeat.
 */
export function prepareForDocument(schema: z.core.$ZodType): void {
  if (prepared.has(schema)) return;
  prepared.add(schema);
  for (const child of childrenOf(schema)) prepareForDocument(child);
  if (schema instanceof z.ZodExactOptional) {
    const strict = schema.safeParse.bind(schema);
    schema.safeParse = (value, context) =>
      value === undefined ? { success: true, data: undefined as never } : strict(value, context);
  }
  if (!allowsNull(schema)) return;
  const { type } = getOpenApiMetadata(schema as z.ZodType) as { readonly type?: unknown };
  if (typeof type !== 'string') return;
  const own = zodToOpenAPIRegistry.get(schema as z.ZodType) as object | undefined;
  zodToOpenAPIRegistry.add(schema as z.ZodType, { ...own, type: [type, 'null'] } as never);
}

function allowsNull(schema: z.core.$ZodType): boolean {
  if (schema instanceof z.ZodNullable) return true;
  return isWrapper(schema) && allowsNull(schema.def.innerType);
}

function isWrapper(
  schema: z.core.$ZodType,
): schema is z.ZodOptional | z.ZodExactOptional | z.ZodNullable | z.ZodDefault | z.ZodReadonly {
  return (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodExactOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodReadonly
  );
}

function childrenOf(schema: z.core.$ZodType): readonly z.core.$ZodType[] {
  if (schema instanceof z.ZodObject) return Object.values(schema.shape as Readonly<Record<string, z.core.$ZodType>>);
  if (schema instanceof z.ZodArray) return [schema.element];
  if (schema instanceof z.ZodRecord) return [schema.valueType];
  if (schema instanceof z.ZodUnion) return schema.options;
  if (schema instanceof z.ZodTuple) return schema.def.items;
  if (schema instanceof z.ZodIntersection) return [schema.def.left, schema.def.right];
  if (schema instanceof z.ZodPipe) return [schema.in, schema.out];
  return isWrapper(schema) ? [schema.def.innerType] : [];
}
