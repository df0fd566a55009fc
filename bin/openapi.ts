import { openApiDocument } from '../api/openapi.js';
import { routes } from '../api/routes.js';

// Prints the OpenAPI document of this code, without a server: for the client of the screens and for the docs. The origin is an example;
// a running API names its own in GET /openapi.json.
process.stdout.write(`${JSON.stringify(openApiDocument(routes, 'http://localhost:3000'), null, 2)}\n`);
