import { extendZodWithOpenApi } from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';

// Adds .openapi() to zod's schemas. Imported first by api/schemas/wire.ts, so that every schema has it.
extendZodWithOpenApi(z);
