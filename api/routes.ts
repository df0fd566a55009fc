import type { Route } from './route.js';
import { operationRoutes } from './routes/reporting/bulkOperation.js';

/** Every route of the API: the router and the OpenAPI document are built from this list. One import and one spread per file. */
export const routes: readonly Route[] = [...operationRoutes];
